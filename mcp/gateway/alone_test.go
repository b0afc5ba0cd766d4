package gateway

import (
	"testing"
	"time"
)

// Each look is at an instant, in ms, with the leader known then.
func TestCallsOfANodeThatIsCutOffAreNotKept(t *testing.T) {
	type look struct {
		at     int
		leader string
		want   time.Duration
	}
	for name, looks := range map[string][]look{
		"a leader is known":             {{0, "east-1", patience}, {5000, "east-1", patience}},
		"an election":                   {{0, "", patience}, {500, "", patience}, {1500, "", patience}, {1999, "", patience}},
		"cut off":                       {{0, "", patience}, {900, "", patience}, {1800, "", patience}, {2000, "", 0}, {2900, "", 0}},
		"back, and another election":    {{0, "", patience}, {900, "", patience}, {1800, "", patience}, {2100, "", 0}, {2200, "x", patience}, {2300, "", patience}},
		"nobody looked for a long time": {{0, "", patience}, {60_000, "", patience}, {60_900, "", patience}},
	} {
		t.Run(name, func(t *testing.T) {
			var a alone
			begin := time.Now()
			for _, l := range looks {
				if got := a.look(l.leader, begin.Add(time.Duration(l.at)*time.Millisecond)); got != l.want {
					t.Errorf("at %d ms a call may be kept for %v, want %v", l.at, got, l.want)
				}
			}
		})
	}
}
