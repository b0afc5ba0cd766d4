package degradation_test

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// The fault is requested at 100 ms; the latency limit is 10 ms.
func TestLoadShedding(t *testing.T) {
	reject := func(every int, took time.Duration) func(i int, op *history.Op) {
		return func(i int, op *history.Op) {
			if i%every == 0 {
				op.Outcome, op.Shed, op.Return = history.Failed, true, op.Call+took
			}
		}
	}
	lose := func(i int, op *history.Op) {
		if i%3 == 1 {
			op.Outcome = history.Unknown
		}
	}
	for _, c := range []struct {
		name    string
		change  func(i int, op *history.Op)
		faults  bool
		verdict record.Verdict
		phrase  string
	}{
		{"rejected at once", reject(2, ms), true, record.Pass, "99 % of them within 1 ms"},
		{"rejected slowly", reject(2, 50*ms), true, record.Fail, "too slowly"},
		{"nothing rejected, nothing lost", nil, true, record.Fail, "nothing was rejected"},
		{"everything times out", lose, true, record.Fail, "nothing was rejected"},
		{"few rejected, most time out", func(i int, op *history.Op) { lose(i, op); reject(30, ms)(i, op) }, true, record.Fail, "most of what was not served"},
		{"rejected without a fault", reject(2, ms), false, record.Vacuous, "no fault"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.Lab{}.Run()
			if !c.faults {
				r.Faults = nil
			}
			for i := range r.Ops {
				if op := &r.Ops[i]; c.change != nil && !op.Final && op.Intended >= 100*ms && op.Intended < 200*ms {
					c.change(i, op)
				}
			}
			r.Objectives.LoadShedding = true
			checktest.Want(t, judge(t, r), "load shedding", c.verdict, c.phrase)
		})
	}
}
