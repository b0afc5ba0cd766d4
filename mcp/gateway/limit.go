package gateway

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are how many calls a second users may make; 0 means any number.
type Limits struct {
	Gateway float64 // all users of this gateway together
	Client  float64 // each user by itself
}

// Limiter keeps Limits. Each allows a second's worth of calls at once. Its zero
// value allows everything.
type Limiter struct {
	mu      sync.Mutex
	limits  Limits
	all     *rate.Limiter
	clients map[string]*client
}

// client is one user's share, and when it last called.
type client struct {
	*rate.Limiter
	last time.Time
}

// forgetAfter is how long a user who does not call is kept in mind, when there
// are more of them than keptClients.
const (
	forgetAfter = time.Minute
	keptClients = 1024
)

// Set replaces the limits at once, for the calls of all users.
func (l *Limiter) Set(to Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if to == l.limits {
		return
	}
	l.limits, l.all, l.clients = to, bucket(to.Gateway), nil
}

// Get returns the present limits.
func (l *Limiter) Get() Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limits
}

func bucket(perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond)))
}

// Allow takes a call of a user into account. When it is over a limit it says
// which, and when it may be made.
func (l *Limiter) Allow(now time.Time, user string) (over string, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = bucket(l.limits.Gateway)
	}
	c := l.clients[user]
	if c == nil {
		if len(l.clients) >= keptClients {
			for name, c := range l.clients {
				if now.Sub(c.last) > forgetAfter {
					delete(l.clients, name)
				}
			}
		}
		if l.clients == nil {
			l.clients = map[string]*client{}
		}
		c = &client{Limiter: bucket(l.limits.Client)}
		l.clients[user] = c
	}
	c.last = now
	// A call that one of them refuses is charged to neither.
	own := c.ReserveN(now, 1)
	if wait := own.DelayFrom(now); wait > 0 {
		own.CancelAt(now)
		return fmt.Sprintf("%s makes more than %v calls a second", user, l.limits.Client), wait
	}
	all := l.all.ReserveN(now, 1)
	if wait := all.DelayFrom(now); wait > 0 {
		all.CancelAt(now)
		own.CancelAt(now)
		return fmt.Sprintf("all clients together make more than %v calls a second", l.limits.Gateway), wait
	}
	return "", 0
}
