package durability_test

import (
	"testing"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// Losses are a share of the writes whose loss would show, and of those of them that were acknowledged while the fault
// lasted; and a sentence says who had acknowledged them. Additions used to be a share of all writes.
func TestLossIsAShareOfTheWritesWhoseLossWouldShow(t *testing.T) {
	duringFault := func(op *history.Op) bool {
		return checktest.IsAdd(op) && op.Region == "east" && op.Return >= 110*ms && op.Return < 190*ms
	}
	for _, c := range []struct {
		name    string
		lose    func(op *history.Op) bool
		change  func(op *history.Op) // of each that is lost
		phrases []string
	}{
		{"all of one node", duringFault, func(op *history.Op) { op.Node = "east-1" }, []string{
			"lost 160 of 1823 acknowledged writes whose loss would show (8.78 %)", "160 of 614 acknowledged while a fault lasted (26.06 %)",
			": all 160 were acknowledged by east-1 to clients in east between +10.5 ms and +89.7 ms of the request of 1.1-kill",
		}},
		{"of two nodes", duringFault, func(op *history.Op) {
			if op.Node = "east-1"; op.Return > 170*ms {
				op.Node = ""
			}
		}, []string{
			": 120 were acknowledged by east-1 to clients in east between +10.5 ms and +69.7 ms and 40 by a node that is not known to clients in east between +70.5 ms and +89.7 ms of the request of 1.1-kill",
		}},
		{"before the fault", func(op *history.Op) bool { return checktest.IsAdd(op) && op.Return > 98*ms && op.Return < 100*ms }, func(*history.Op) {}, []string{
			"lost 12 of 1823 acknowledged writes whose loss would show (0.66 %): 4 were acknowledged by north-1 to clients in east between −1.5 ms and −298 µs, 4 by north-1 to ",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.Lab{}.Run()
			for i := range r.Ops {
				if op := &r.Ops[i]; c.lose(op) {
					c.change(op)
					checktest.Without(r, op.Key, op.Value)
				}
			}
			checktest.Want(t, judge(t, r), "rpo", record.Fail, c.phrases...)
		})
	}
}

// What nothing was read of afterwards is neither kept nor lost, and no write of which that is known
// proves that nothing was lost.
func TestNothingThatWouldShowALoss(t *testing.T) {
	r := checktest.Lab{}.Run()
	for i := range r.Ops {
		if op := &r.Ops[i]; op.Kind == history.Add || op.Kind == history.SetRead {
			op.Kind, op.Set, op.Value = history.Read, nil, ""
		}
	}
	if p := judge(t, r).RPO; p.Judged >= p.Acked || p.Judged == 0 {
		t.Errorf("the loss of %d of %d writes to registers would show, want some and not all", p.Judged, p.Acked)
	}
}
