package degradation_test

import (
	"testing"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestDisconnectedOperation(t *testing.T) {
	cut := func(op *history.Op) bool { return op.Region == "east" && op.Call > 150*ms && op.Call < 180*ms }
	write := func(op *history.Op) bool { return cut(op) && op.Class() == history.Writes }
	local := func(op *history.Op) bool { return cut(op) && op.Class() == history.LocalRead }
	one := func(which func(*history.Op) bool, change func(*history.Op)) func(*testing.T, *record.Run) {
		return func(t *testing.T, r *record.Run) { change(&r.Ops[checktest.Pick(t, r, 3, which)]) }
	}
	all := func(which func(*history.Op) bool, change func(*history.Op)) func(*testing.T, *record.Run) {
		return func(_ *testing.T, r *record.Run) {
			for i := range r.Ops {
				if which(&r.Ops[i]) {
					change(&r.Ops[i])
				}
			}
		}
	}
	fails := func(op *history.Op) { op.Outcome, op.Error = history.Failed, "refused" }
	for _, c := range []struct {
		name    string
		change  func(t *testing.T, r *record.Run)
		verdict record.Verdict
		phrase  string
	}{
		{"as required", func(*testing.T, *record.Run) {}, record.Pass, "rejected within 2 ms (no leader known), 396 of 396 local reads answered and marked stale"},
		{"one local read of four hundred fails", one(local, fails), record.Pass, "395 of 396 local reads"},
		{"a write hangs to its timeout", one(write, func(op *history.Op) { op.Outcome, op.Return = history.Unknown, op.Call+20*ms }), record.Fail, "not rejected within 10 ms, first:"},
		{"a rejection takes too long", one(write, func(op *history.Op) { op.Return = op.Call + 11*ms }), record.Fail, "1 of"},
		{"a write that reached no server", one(write, func(op *history.Op) { op.Rejected = false }), record.Fail, "reached no server after 2 ms"},
		{"a record from before rejections were marked", func(_ *testing.T, r *record.Run) {
			all(write, func(op *history.Op) { op.Rejected = false })(nil, r)
			r.HasRejectionMarks = false
		}, record.Unknown, "before that was recorded"},
		{"a rejection that is none", one(write, func(op *history.Op) { op.Outcome = history.Unknown }), record.Fail, "outcome unknown"},
		{"a write is acknowledged", one(write, func(op *history.Op) { op.Outcome = history.OK }), record.Fail, "outcome ok"},
		{"local reads are rejected", all(local, fails), record.Fail, "answered and marked stale, want 99 %; first: local read of"},
		{"local reads are late", all(local, func(op *history.Op) { op.Return = op.Call + 11*ms }), record.Fail, "answered and marked stale, want 99 %"},
		{"tokens are not verified", all(func(op *history.Op) bool { return local(op) }, func(op *history.Op) { op.Key, op.Output = history.LocalReadToken, "" }), record.Fail, "answered and marked stale, want 99 %"},
		{"the setting is gone", all(local, func(op *history.Op) { op.Output = "" }), record.Fail, "answered and marked stale, want 99 %"},
		{"it never comes back", all(func(op *history.Op) bool {
			return op.Region == "east" && op.Class() == history.Writes && op.Call > 200*ms
		}, fails), record.Fail, "east acknowledged no write after the heal"},
		{"nothing was cut off", func(_ *testing.T, r *record.Run) { r.Faults[0].Impact = topology.FaultImpact{} }, record.Vacuous, "no region were cut off"},
		{"the cut had no effect", func(_ *testing.T, r *record.Run) { r.Faults[0].Active.Proved = false }, record.Vacuous, "no region were cut off"},
		{"no local reads", func(_ *testing.T, r *record.Run) {
			for i := range r.Ops {
				r.Ops[i].Stale = false
			}
		}, record.Vacuous, "set load.localReads"},
		{"too short to tell", func(_ *testing.T, r *record.Run) { r.Faults[0].Heal.Requested = 135 * ms }, record.Vacuous, "for too short a time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.CutOff()
			c.change(t, r)
			checktest.Want(t, judge(t, r), "disconnected operation", c.verdict, c.phrase)
		})
	}
}
