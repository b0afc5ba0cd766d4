package degradation_test

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/degradation"
	"github.com/mcp-resilience/holdfast/check/validity"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = checktest.Unit

// judge makes the checks of this package on a run in compressed time.
func judge(t *testing.T, r *record.Run) *record.Result {
	t.Helper()
	run := checktest.Index(t, r)
	j := &record.Result{Findings: slices.Concat(degradation.QuorumLossRejection(run), degradation.LoadShedding(run), degradation.DisconnectedOperation(run))}
	validity.Downgrade(run, j.Findings)
	return j
}

func TestQuorumLossRejection(t *testing.T) {
	none := topology.FaultImpact{Down: []topology.NodeID{"east-1", "north-1"}}
	reject := func(r *record.Run, from, to time.Duration) {
		for i := range r.Ops {
			if op := &r.Ops[i]; op.Kind.Class() == history.Writes && op.Call >= from && op.Call < to {
				op.Outcome, op.Error, op.Rejected, op.Return = history.Failed, "no leader", true, op.Call+ms
			}
		}
	}
	unmark := func(r *record.Run) {
		for i := range r.Ops {
			r.Ops[i].Rejected = false
		}
	}
	delay := func(r *record.Run) {
		for i := range r.Ops {
			if op := &r.Ops[i]; op.Rejected {
				op.Return = op.Call + 11*ms
			}
		}
	}
	for _, c := range []struct {
		name    string
		lab     checktest.Lab
		change  func(r *record.Run)
		verdict record.Verdict
		phrase  string
	}{
		{"rejected", checktest.Lab{Cut: none, Down: checktest.Stall(100*ms, 201*ms)}, func(r *record.Run) { reject(r, 100*ms, 150*ms) }, record.Pass, "rejected (no leader)"},
		{"acknowledged", checktest.Lab{Cut: none}, nil, record.Fail, "acknowledged without a quorum"},
		{"not answered", checktest.Lab{Cut: none, Down: checktest.Stall(100*ms, 201*ms)}, nil, record.Fail, "0 failed without an answer or too late"},
		{"reached no server", checktest.Lab{Cut: none, Down: checktest.Stall(100*ms, 201*ms)}, func(r *record.Run) { reject(r, 100*ms, 150*ms); unmark(r) }, record.Fail, "was rejected by a server within 10 ms"},
		{"rejected too late", checktest.Lab{Cut: none, Down: checktest.Stall(100*ms, 201*ms)}, func(r *record.Run) { reject(r, 100*ms, 150*ms); delay(r) }, record.Fail, "was rejected by a server within 10 ms"},
		{"a record from before rejections were marked", checktest.Lab{Cut: none, Down: checktest.Stall(100*ms, 201*ms)}, func(r *record.Run) { reject(r, 100*ms, 150*ms); unmark(r); r.HasRejectionMarks = false }, record.Unknown, "before that was recorded"},
		{"a quorum is left", checktest.Lab{Cut: topology.FaultImpact{Down: none.Down[:1]}}, nil, record.Vacuous, "there was a quorum at all times"},
		{"not tried", checktest.Lab{Cut: none}, func(r *record.Run) { checktest.Drop(r, 0, time.Hour, func(int) bool { return true }) }, record.Vacuous, "no write was tried"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.lab.Run()
			r.Objectives.RejectWithoutQuorum = true
			if c.change != nil {
				c.change(r)
			}
			checktest.Want(t, judge(t, r), "quorum loss rejection", c.verdict, c.phrase)
		})
	}
}
