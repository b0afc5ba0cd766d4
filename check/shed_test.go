package check

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// The fault is requested at 100 ms; the latency limit is 10 ms.
func TestShedding(t *testing.T) {
	refuse := func(every int, took time.Duration) func(i int, op *history.Op) {
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
		says    string
	}{
		{"refused at once", refuse(2, ms), true, record.Pass, "99 % of them within 1 ms"},
		{"refused slowly", refuse(2, 50*ms), true, record.Fail, "too slowly"},
		{"nobody refused, nothing lost", nil, true, record.Fail, "nothing was refused"},
		{"everything times out", lose, true, record.Fail, "nothing was refused"},
		{"few refused, most time out", func(i int, op *history.Op) { lose(i, op); refuse(30, ms)(i, op) }, true, record.Fail, "most of what was not served"},
		{"refused without a fault", refuse(2, ms), false, record.Vacuous, "no fault"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := lab{}.run()
			if !c.faults {
				r.Faults = nil
			}
			for i := range r.Ops {
				if op := &r.Ops[i]; c.change != nil && !op.Final && op.Intended >= 100*ms && op.Intended < 200*ms {
					c.change(i, op)
				}
			}
			r.Objectives.LoadShedding = true
			want(t, judge(t, r), "load shedding", c.verdict, c.says)
		})
	}
}
