package harness_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
)

// What the runtime or the target cannot do is said before anything is
// measured, so that the run can be skipped.
func TestUnsupportedFaultEndsTheRun(t *testing.T) {
	for _, tt := range []struct {
		fault faults.Fault
		says  string
	}{
		{&faults.Throttle{CPU: 0.1}, "use of the processor"},
		{&faults.Replace{}, "the target has no membership admin"},
	} {
		t.Run(tt.says, func(t *testing.T) {
			t.Parallel()
			s := harnesstest.NewStore()
			p := harnesstest.Plan(s, tt.fault, time.Second)
			r, _, err := harness.Run(t.Context(), p, harness.Options{Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir()})
			if _, ok := errors.AsType[cluster.Unsupported](err); !ok || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want cluster.Unsupported with its reason", err)
			}
			if len(r.Faults) > 0 {
				t.Errorf("faults were injected: %+v", r.Faults)
			}
		})
	}
}
