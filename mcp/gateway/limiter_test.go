package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	now := time.Unix(1000, 0)
	calls := func(l *Limiter, user string, n int) (allowed int, over string, after time.Duration) {
		for range n {
			if o, a := l.Allow(now, user); o != "" {
				over, after = o, a
			} else {
				allowed++
			}
		}
		return allowed, over, after
	}
	var l Limiter
	if n, over, _ := calls(&l, "ann", 1000); n != 1000 {
		t.Errorf("without limits %d of 1000 were allowed: %s", n, over)
	}
	l.Set(Limits{Client: 10, Gateway: 15})
	n, over, after := calls(&l, "ann", 20)
	if n != 10 || !strings.Contains(over, "ann makes more than 10") || after <= 0 || after > time.Second {
		t.Errorf("ann: %d allowed, %q, again after %v", n, over, after)
	}
	if n, over, _ = calls(&l, "bob", 20); n != 5 || !strings.Contains(over, "all clients together") {
		t.Errorf("bob: %d allowed, %q; want what ann left of 15", n, over)
	}
	now = now.Add(time.Second / 2)
	if n, _, _ = calls(&l, "ann", 20); n != 5 {
		t.Errorf("half a second later ann: %d allowed, want 5", n)
	}
	l.Set(Limits{})
	if n, _, _ = calls(&l, "ann", 20); n != 20 {
		t.Errorf("limits lifted: %d of 20 allowed", n)
	}
	for i := range 3 * maxClients {
		now = now.Add(time.Second)
		l.Allow(now, fmt.Sprint(i))
	}
	if n := len(l.clients); n > maxClients+1 {
		t.Errorf("%d users are remembered", n)
	}
}
