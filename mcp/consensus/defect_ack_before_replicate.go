package consensus

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

const (
	// replicationLag is how long after its acknowledgement the defective leader
	// replicates a mutation. When it dies, what it acknowledged that recently is lost.
	replicationLag = 250 * time.Millisecond
	// defectTick is how often what a defect has held back is looked through.
	defectTick = 10 * time.Millisecond
)

// asyncReplication is the defect ack-before-replicate: the leader applies a mutation to
// a copy of its state, acknowledges it, and replicates it later, as an asynchronous
// replica set does. What it has not replicated dies with it.
type asyncReplication struct {
	node *Node

	mu      sync.Mutex
	term    uint64         // of the leadership that the copy belongs to
	ahead   *state.State   // what is acknowledged here, replicated or not
	pending []acknowledged // oldest first
}

// acknowledged is a mutation that waits to be replicated.
type acknowledged struct {
	at      time.Time
	command *api.Command
}

// install puts the defect into the hooks. It comes before what they held so far.
func (a *asyncReplication) install(h *hooks) {
	start, propose, readIndex, current := h.start, h.propose, h.readIndex, h.state
	h.start = func() {
		start()
		a.node.work.Go(a.replicateLater)
	}
	h.propose = func(c *api.Command) (*api.Applied, bool, error) {
		// What a sound leader refuses this one refuses, too.
		if !mutation(c) || a.node.raft.State() != raft.Leader || a.node.lease.expired() {
			return propose(c)
		}
		out, err := a.acknowledge(c)
		return out, true, err
	}
	h.readIndex = func() (uint64, bool) {
		if term, leads := a.node.Leads(); leads {
			return term, true
		}
		return readIndex()
	}
	h.state = func() *state.State {
		if s := a.state(a.node.leadingTerm.Load()); s != nil {
			return s
		}
		return current()
	}
	h.beforeHandover = func() { a.replicate(0) } // a graceful stop loses nothing
}

// state returns the copy, if there is one for this leadership.
func (a *asyncReplication) state(term uint64) *state.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	if term == 0 || a.term != term {
		return nil
	}
	return a.ahead
}

// acknowledge applies a mutation to the copy alone. It claims no log index, for it
// does not know which one the mutation will get.
func (a *asyncReplication) acknowledge(c *api.Command) (*api.Applied, error) {
	n := a.node
	term, ok := n.Leads()
	if !ok {
		return nil, n.refuse("still catching up")
	}
	if !n.inflight.enter() {
		return nil, n.refuse("leadership is being handed over")
	}
	defer n.inflight.leave()
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

func (a *asyncReplication) replicateLater() {
	tick := time.NewTicker(defectTick)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.replicate(replicationLag)
		case <-a.node.ctx.Done():
			return
		}
	}
}

// replicate proposes what was acknowledged at least so long ago, and ignores whether
// it is ever committed.
func (a *asyncReplication) replicate(age time.Duration) {
	a.mu.Lock()
	if a.term != a.node.leadingTerm.Load() {
		a.pending = nil // a deposed leader's acknowledgements are lost
	}
	due := 0
	for due < len(a.pending) && time.Since(a.pending[due].at) >= age {
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
		a.node.raft.Apply(entry, enqueueTimeout)
	}
}
