package standby

import (
	"context"
	"slices"
	"sync"
	"time"
)

// takeoverTime is how long a successor that takes over may need until it answers with
// the new epoch.
const takeoverTime = 5 * time.Second

// leaseRenewer asks the other nodes for their epochs, and extends a voter's lease by their
// answers. A voter may acknowledge while a node without a vote has just answered that it
// knows of no later epoch:
//
//	voter      asks ──► answer: lease until asked + Margin
//	successor            └── no answer to it and its witness ─► suspected ─► Margin ─► takes over
//
// Why not by the prober's suspicion of all others? That takes a witness, and a node that is
// cut off reaches none. And why from the question on, not from the answer? The answer may
// have waited while this process was paused.
type leaseRenewer struct {
	*Watcher

	mu      sync.Mutex
	until   time.Time
	revoked bool // a later epoch is known
	nodes   map[string]*answers
}

// answers describes the answers of one node.
type answers struct {
	came  time.Time // when the last one came, however late
	asked time.Time // when the last one that came in time was asked for
	since time.Time // when the first question of the present unbroken series was asked
}

// poll asks a node for its epoch until ctx ends, and sends a later one to later.
func (l *leaseRenewer) poll(ctx context.Context, name string, later chan<- Epoch) {
	tick := time.NewTicker(askInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		asked := time.Now()
		for _, r := range ask(ctx, []string{name}, l.To) {
			if r.Number <= l.Present.Number {
				l.observe(name, asked, time.Now())
				continue
			}
			l.revoke()
			select {
			case later <- Epoch{Number: r.Number, Successor: r.Successor}:
			default:
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// observe takes an answer of this epoch, and extends the lease if it may.
func (l *leaseRenewer) observe(name string, asked, came time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.nodes[name]
	if a == nil {
		a = &answers{since: asked}
		if l.nodes == nil {
			l.nodes = map[string]*answers{}
		}
		l.nodes[name] = a
	}
	a.came = came
	if came.Sub(asked) > l.AnswerTimeout {
		return
	}
	if asked.Sub(a.asked) > Margin {
		a.since = asked
	}
	a.asked = asked
	until := asked.Add(Margin)
	if l.revoked || !l.mayRenewBy(name, a) || !until.After(l.until) {
		return
	}
	l.until = until
	l.ExtendLease(until)
}

// mayRenewBy reports whether a voter may extend its lease by a node's answers. The
// successor itself knows whether it has taken over. The others learn of it only once the
// new epoch has started. So after a gap in a node's answers, in which the node may have
// been the witness of a takeover, its answers count again only when there has been time
// to learn of the epoch, or when the successor has answered since.
func (l *leaseRenewer) mayRenewBy(name string, a *answers) bool {
	switch {
	case !slices.Contains(l.Voters, l.Self) || slices.Contains(l.Voters, name):
		return false
	case name == l.Successor || l.Self == l.Successor:
		return true
	}
	successor := l.nodes[l.Successor]
	return successor != nil && !successor.asked.Before(a.since) || a.asked.Sub(a.since) >= takeoverTime
}

// revoke ends the lease for good, because a later epoch is known.
func (l *leaseRenewer) revoke() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.revoked = true
	if slices.Contains(l.Voters, l.Self) {
		l.ExtendLease(time.Time{})
	}
}

// silence is the time since any of the nodes has answered.
func (l *leaseRenewer) silence(nodes []string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var last time.Time
	for _, n := range nodes {
		if a := l.nodes[n]; a != nil && a.came.After(last) {
			last = a.came
		}
	}
	return time.Since(last)
}
