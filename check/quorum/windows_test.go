package quorum_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/check"
	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = checktest.Unit

// judge makes every check on a run in compressed time.
func judge(t *testing.T, r *record.Run) *record.Result {
	t.Helper()
	return check.Judge(t.Context(), r, check.Options{SLO: checktest.SLO})
}

// A fault that was never healed, or whose heal was never asked for, leaves no quorum
// until the end of observation, not for no time at all.
func TestQuorumLossLastsUntilTheHealIsRequested(t *testing.T) {
	none := topology.FaultImpact{Down: []topology.NodeID{"east-1", "north-1"}}
	for _, c := range []struct {
		name   string
		change func(f *record.Fault)
		want   []record.Span
	}{
		{"healed", func(*record.Fault) {}, []record.Span{{From: 101 * ms, To: 200 * ms}}},
		{"never healed", func(f *record.Fault) {
			f.Heal = record.Times{Requested: record.NotReached, Confirmed: record.NotReached, Effective: record.NotReached}
		}, []record.Span{{From: 101 * ms, To: 300 * ms}}},
		{"not proved", func(f *record.Fault) { f.Active.Proved = false }, nil},
		{"a majority is left", func(f *record.Fault) { f.Impact.Down = f.Impact.Down[:1] }, nil},
	} {
		r := checktest.Lab{Cut: none}.Run()
		c.change(&r.Faults[0])
		if diff := cmp.Diff(c.want, judge(t, r).QuorumLoss); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
