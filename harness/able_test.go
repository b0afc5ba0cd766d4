package harness_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/cluster"
	"github.com/mcp-resilience/holdfast/harness/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
)

// What the runtime cannot do is said before anything is measured, so that the
// run can be skipped.
func TestUnsupportedFaultEndsTheRun(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, &faults.Throttle{CPU: 0.1}, time.Second)
	r, _, err := harness.Run(t.Context(), p, harness.Options{Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir()})
	if _, ok := errors.AsType[cluster.Unsupported](err); !ok || !strings.Contains(err.Error(), "use of the processor") {
		t.Errorf("got %v, want cluster.Unsupported with its reason", err)
	}
	if len(r.Faults) > 0 {
		t.Errorf("faults were injected: %+v", r.Faults)
	}
}
