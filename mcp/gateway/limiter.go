package gateway

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are how many calls a second users may make. 0 means no limit.
type Limits struct {
	Gateway float64 // all users of this gateway together
	Client  float64 // each user
}

// Limiter enforces Limits, with bursts of one second's worth of calls. Its zero value
// allows everything.
type Limiter struct {
	mu      sync.Mutex
	limits  Limits
	total   *rate.Limiter
	clients map[string]*clientLimiter
}

// clientLimiter is the limiter of one user, with the time of its last call.
type clientLimiter struct {
	*rate.Limiter
	lastCall time.Time
}

// A user who has not called for idleTimeout is forgotten when there are maxClients users.
const (
	idleTimeout = time.Minute
	maxClients  = 1024
)

// Set replaces the limits, from the next call on.
func (l *Limiter) Set(to Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if to == l.limits {
		return
	}
	l.limits, l.total, l.clients = to, newLimiter(to.Gateway), nil
}

// Get returns the present limits.
func (l *Limiter) Get() Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limits
}

func newLimiter(perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond)))
}

// Allow counts a call of a user. If the call is over a limit, exceeded describes the
// limit, and after is how long to wait.
func (l *Limiter) Allow(now time.Time, user string) (exceeded string, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total == nil {
		l.total = newLimiter(l.limits.Gateway)
	}
	c := l.clients[user]
	if c == nil {
		if len(l.clients) >= maxClients {
			for name, c := range l.clients {
				if now.Sub(c.lastCall) > idleTimeout {
					delete(l.clients, name)
				}
			}
		}
		if l.clients == nil {
			l.clients = map[string]*clientLimiter{}
		}
		c = &clientLimiter{Limiter: newLimiter(l.limits.Client)}
		l.clients[user] = c
	}
	c.lastCall = now
	// A call that one limiter refuses is charged to neither.
	own := c.ReserveN(now, 1)
	if wait := own.DelayFrom(now); wait > 0 {
		own.CancelAt(now)
		return fmt.Sprintf("%s makes more than %v calls a second", user, l.limits.Client), wait
	}
	all := l.total.ReserveN(now, 1)
	if wait := all.DelayFrom(now); wait > 0 {
		all.CancelAt(now)
		own.CancelAt(now)
		return fmt.Sprintf("all clients together make more than %v calls a second", l.limits.Gateway), wait
	}
	return "", 0
}
