package consensus

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// lag is how far behind its acknowledgements the defective leader replicates:
// whenever it dies, what it acknowledged that long before dies with it.
const (
	lag       = 250 * time.Millisecond
	shipEvery = 10 * time.Millisecond
)

// async is the defect ack-before-replicate: the leader applies a mutation to a
// copy of its state, acknowledges it, and replicates it later, as
// an asynchronous replica set does. What is not yet shipped dies with it.
type async struct {
	mu      sync.Mutex
	term    uint64         // of the leadership that the copy belongs to
	ahead   *state.State   // applied and acknowledged here
	pending []acknowledged // oldest first
}

// acknowledged is a mutation that waits to be replicated.
type acknowledged struct {
	at      time.Time
	command *api.Command
}

// view returns the copy, if there is one for this leadership.
func (a *async) view(term uint64) *state.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	if term == 0 || a.term != term {
		return nil
	}
	return a.ahead
}

// acknowledgeFirst is Propose with the defect on. It claims no revision, for
// it does not know what place the mutation will have.
func (n *Node) acknowledgeFirst(c *api.Command) (*api.Applied, error) {
	term, ok := n.Leads()
	if !ok {
		return nil, n.refuse("still catching up")
	}
	if !n.gate.enter() {
		return nil, n.refuse("leadership is being handed over")
	}
	defer n.gate.leave()
	a := n.async
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.term != term {
		a.term, a.pending, a.ahead = term, nil, n.state.Snapshot().State()
	}
	out := a.ahead.Apply(0, term, c)
	a.pending = append(a.pending, acknowledged{time.Now(), c})
	out.Node = n.cfg.Name
	return out, nil
}

func (n *Node) replicateLater() {
	tick := time.NewTicker(shipEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			n.ship(lag)
		case <-n.ctx.Done():
			return
		}
	}
}

// ship proposes what has waited for that long, and does not care what becomes of it.
func (n *Node) ship(waited time.Duration) {
	a := n.async
	a.mu.Lock()
	if a.term != n.ready.Load() {
		a.pending = nil // a deposed leader's acknowledgements are lost
	}
	due := 0
	for due < len(a.pending) && time.Since(a.pending[due].at) >= waited {
		due++
	}
	ripe := a.pending[:due]
	a.pending = a.pending[due:]
	a.mu.Unlock()
	for _, w := range ripe {
		entry, err := proto.Marshal(w.command)
		if err != nil {
			continue
		}
		n.raft.Apply(entry, enqueue)
	}
}
