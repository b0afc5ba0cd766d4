package gateway

import (
	"testing"
	"time"
)

// Each check has its time in ms and the leader that is known then.
func TestCallsToANodeThatIsCutOffDoNotWait(t *testing.T) {
	type check struct {
		at     int
		leader string
		want   time.Duration
	}
	for name, checks := range map[string][]check{
		"a leader is known":          {{0, "east-1", routeTimeout}, {5000, "east-1", routeTimeout}},
		"an election":                {{0, "", routeTimeout}, {500, "", routeTimeout}, {1500, "", routeTimeout}, {1999, "", routeTimeout}},
		"cut off":                    {{0, "", routeTimeout}, {900, "", routeTimeout}, {1800, "", routeTimeout}, {2000, "", 0}, {2900, "", 0}},
		"back, and another election": {{0, "", routeTimeout}, {900, "", routeTimeout}, {1800, "", routeTimeout}, {2100, "", 0}, {2200, "x", routeTimeout}, {2300, "", routeTimeout}},
		"no call for a long time":    {{0, "", routeTimeout}, {60_000, "", routeTimeout}, {60_900, "", routeTimeout}},
	} {
		t.Run(name, func(t *testing.T) {
			var timer leaderlessTimer
			begin := time.Now()
			for _, l := range checks {
				if got := timer.waitTimeout(l.leader, begin.Add(time.Duration(l.at)*time.Millisecond)); got != l.want {
					t.Errorf("at %d ms a call may wait for %v, want %v", l.at, got, l.want)
				}
			}
		})
	}
}
