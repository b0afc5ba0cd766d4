package standby

import (
	"context"
	"slices"
	"sync"
	"time"
)

// begins is how long an heir that takes over may need until it can be asked
// for its generation.
const begins = 5 * time.Second

// proof is what a node's own questions prove about the generation. A voter may
// acknowledge while a node that does not vote has just answered that it knows
// of no later one:
//
//	voter   asks ──► answer: until asked + Margin it stands
//	heir              └── silent to the heir and its witness ─► suspected ─► Margin ─► takes over
//
// Why not the prober's suspicion of everybody else? That takes a witness, and
// who is cut off reaches none. And why from the question on, not from the
// answer? An answer may have waited while this process stood still.
type proof struct {
	*Watcher

	mu    sync.Mutex
	until time.Time
	over  bool // a later generation is known
	nodes map[string]*answers
}

// answers are a node's, as far as they are in time.
type answers struct {
	came  time.Time // the last one
	asked time.Time // for the last one
	since time.Time // they have come without a gap
}

// follow asks a node for its generation until ctx ends, and reports a later one.
func (p *proof) follow(ctx context.Context, name string, later chan<- Epoch) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		asked := time.Now()
		for _, r := range ask(ctx, []string{name}, p.To) {
			if r.Number <= p.Present.Number {
				p.note(name, asked, time.Now())
				continue
			}
			p.end()
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

// note takes in an answer from this generation.
func (p *proof) note(name string, asked, came time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.nodes[name]
	if a == nil {
		a = &answers{since: asked}
		if p.nodes == nil {
			p.nodes = map[string]*answers{}
		}
		p.nodes[name] = a
	}
	a.came = came
	if came.Sub(asked) > p.AnswerTimeout {
		return
	}
	if asked.Sub(a.asked) > Margin {
		a.since = asked
	}
	a.asked = asked
	until := asked.Add(Margin)
	if p.over || !p.vouches(name, a) || !until.After(p.until) {
		return
	}
	p.until = until
	p.ExtendLease(until)
}

// vouches says whether a voter may go by a node's answers. The heir knows whether
// it has taken over. Others hear of it only once it has begun. So they vouch
// after a gap, in which they may have agreed to that, only when there has been
// the time to hear of it, or the heir has answered since.
func (p *proof) vouches(name string, a *answers) bool {
	switch {
	case !slices.Contains(p.Voters, p.Self) || slices.Contains(p.Voters, name):
		return false
	case name == p.Successor || p.Self == p.Successor:
		return true
	}
	heir := p.nodes[p.Successor]
	return heir != nil && !heir.asked.Before(a.since) || a.asked.Sub(a.since) >= begins
}

// end is for good: a later generation is known.
func (p *proof) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if slices.Contains(p.Voters, p.Self) {
		p.ExtendLease(time.Time{})
	}
}

// silence is how long none of the nodes has answered.
func (p *proof) silence(nodes []string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var last time.Time
	for _, n := range nodes {
		if a := p.nodes[n]; a != nil && a.came.After(last) {
			last = a.came
		}
	}
	return time.Since(last)
}
