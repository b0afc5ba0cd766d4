package recovery_test

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/recovery"
	"github.com/mcp-resilience/holdfast/record"
)

func TestStable(t *testing.T) {
	r := checktest.Lab{Observe: 300 * ms, Down: checktest.Stall(100*ms, 230*ms)}.Run() // healed at 200 ms, stable from 230 ms, so known at 280 ms
	r.Phases = r.Phases[:3]
	r.Phases[2].To = record.NotReached
	whole := r.Ops
	for _, c := range []struct {
		now  time.Duration
		want bool
	}{{150 * ms, false}, {220 * ms, false}, {279 * ms, false}, {282 * ms, true}, {300 * ms, true}} {
		r.Ops = nil
		for _, op := range whole {
			if op.Return <= c.now {
				r.Ops = append(r.Ops, op)
			}
		}
		if got := recovery.Stable(r, checktest.SLO, c.now); got != c.want {
			t.Errorf("stable at %v: %v, want %v", c.now, got, c.want)
		}
	}
}
