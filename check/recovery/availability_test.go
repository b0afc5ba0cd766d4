package recovery_test

import (
	"testing"
	"time"

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

// Below its floor the baseline is nothing to compare with: neither recovery nor availability is judged.
func TestABaselineBelowItsFloorProvesNothing(t *testing.T) {
	r := checktest.Lab{Down: checktest.Stall(20*ms, 190*ms)}.Run()
	r.Objectives.Availability = 0.99
	checktest.Want(t, judge(t, r), "availability", record.Vacuous, "of the baseline was good before any fault")
	checktest.Want(t, judge(t, r), "rto", record.Vacuous)
}

func TestLatencyUnderFault(t *testing.T) {
	r := checktest.Lab{Slow: func(_ topology.Region, _ history.Class, due time.Duration) time.Duration {
		if due >= 100*ms && due < 120*ms { // a tenth of what is judged
			return 5 * ms
		}
		return 0
	}}.Run()
	for _, c := range []struct {
		limits  map[string]time.Duration
		verdict record.Verdict
		phrase  string
	}{
		{map[string]time.Duration{"p50": ms, "p90": ms}, record.Pass, "p50 303 µs ≤ 1 ms, p90"},
		{map[string]time.Duration{"p99": ms}, record.Fail, "p99 5.31 ms > 1 ms, of 6000 acknowledged operations"},
		{map[string]time.Duration{"p99": 6 * ms, "max": 6 * ms}, record.Pass, "max 5.31 ms ≤ 6 ms"},
	} {
		r.Objectives.Latency = c.limits
		checktest.Want(t, judge(t, r), "latency", c.verdict, c.phrase)
	}
}
