package recovery_test

import (
	"testing"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestAvailability(t *testing.T) {
	r := checktest.Lab{Down: checktest.Stall(100*ms, 150*ms)}.Run() // a quarter of 200 ms
	r.Objectives.Availability = 0.75
	j := judge(t, r)
	checktest.Want(t, j, "availability", record.Pass, "75 % of 6000 operations good ≥ 75 %")
	r.Objectives.Availability = 0.76
	checktest.Want(t, judge(t, r), "availability", record.Fail, "75 % of 6000 operations good < 76 %")
	for _, s := range j.Availability.Series {
		if s.Due != 1000 || s.Good != 750 || s.P50 < 300_000 || s.P50 > 310_000 || s.Max != 300_000 && s.Max > 310_000 {
			t.Errorf("%+v", s)
		}
	}
}

func TestKindWithoutSuccess(t *testing.T) {
	r := checktest.Lab{}.Run()
	for i := range r.Ops {
		if op := &r.Ops[i]; op.Kind == history.CAS {
			op.Outcome = history.Unknown
		}
	}
	checktest.Want(t, judge(t, r), "every kind succeeds", record.Vacuous, "never succeeded: cas (900 tried)")
	r.Ops = nil
	checktest.Want(t, judge(t, r), "every kind succeeds", record.Vacuous, "no operation was sent")
}

func TestUnsentIsCounted(t *testing.T) {
	r := checktest.Lab{}.Run()
	i := checktest.Pick(t, r, 0, func(op *history.Op) bool { return op.Intended > 100*ms && op.Region == "south" })
	r.Ops[i].Outcome, r.Ops[i].Error = history.Failed, history.Dropped
	n := 0
	for _, s := range judge(t, r).Availability.Series {
		if s.Region == topology.Region("south") {
			n += s.Dropped
		}
	}
	if n != 1 {
		t.Errorf("%d unsent, want 1", n)
	}
}
