package consensus

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/hashicorp/raft"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// Leader returns the node that this one takes for the leader, "" when it knows none, and a
// channel that is closed when that may have changed.
func (n *Node) Leader() (name string, changed <-chan struct{}) {
	changed = n.leaderChanged.Next()
	if n.defects.leads() {
		return n.cfg.Name, changed
	}
	_, id := n.raft.LeaderWithID()
	return string(id), changed
}

// Leads reports whether this node leads and has caught up, so that it may decide for the
// cluster, and in which term.
func (n *Node) Leads() (term uint64, ok bool) {
	term = n.leadingTerm.Load()
	return term, term != 0
}

// Term is the latest term that this node has seen.
func (n *Node) Term() uint64 { return n.raft.CurrentTerm() }

// watchElections handles this node's own elections and depositions until it closes.
func (n *Node) watchElections(won <-chan bool) {
	for {
		select {
		case leading := <-won:
			if leading {
				n.onElected()
			} else {
				n.onDeposed()
			}
		case <-n.ctx.Done():
			return
		}
	}
}

func (n *Node) onElected() {
	term := n.raft.CurrentTerm()
	fields := map[string]string{"term": strconv.FormatUint(term, 10)}
	n.cfg.Note(events.Elected, fmt.Sprintf("%s was elected leader in term %d", n.cfg.Name, term), fields)
	// Everything that earlier leaders committed must be applied before this one
	// decides anything.
	for n.raft.Barrier(0).Error() != nil {
		if n.raft.State() != raft.Leader {
			return // deposed again; onDeposed comes next
		}
	}
	n.leadingTerm.Store(term)
	n.cfg.Note(events.Promoted, fmt.Sprintf("%s has caught up as leader in term %d", n.cfg.Name, term), fields)
}

func (n *Node) onDeposed() {
	if term := n.leadingTerm.Swap(0); term != 0 {
		n.cfg.Note(events.Deposed, fmt.Sprintf("%s no longer leads", n.cfg.Name),
			map[string]string{"term": strconv.FormatUint(term, 10)})
	}
}

// TransferLeadership hands leadership to the named node, or with an empty name to the one
// whose log is the most complete. New commands are refused meanwhile, and those under way
// are finished first, so that no outcome becomes unknown by it.
func (n *Node) TransferLeadership(ctx context.Context, to string) error {
	n.inflight.block()
	defer n.inflight.unblock()
	if err := n.inflight.drain(ctx); err != nil {
		return fmt.Errorf("transfer leadership: %w", err)
	}
	n.defects.beforeHandover()
	var f raft.Future
	if to == "" {
		f = n.raft.LeadershipTransfer()
	} else {
		f = n.raft.LeadershipTransferToServer(raft.ServerID(to), n.address(to))
	}
	if err := f.Error(); err != nil {
		return fmt.Errorf("transfer leadership: %w", err)
	}
	// Commands stay blocked until raft itself refuses them; otherwise one could be
	// proposed in between.
	for deadline := time.Now().Add(n.cfg.Election); n.raft.State() == raft.Leader && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// watchLeader wakes those who wait for another leader, until the node closes.
func (n *Node) watchLeader() {
	seen := make(chan raft.Observation, 16) // when it is full, one of the waiting observations is enough
	o := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	n.raft.RegisterObserver(o)
	defer n.raft.DeregisterObserver(o)
	yielding := n.cfg.YieldsFirstElection
	for {
		select {
		case <-seen:
			if name, _ := n.Leader(); name != "" && yielding {
				yielding = n.useOwnTimeouts() != nil
			}
			n.leaderChanged.Broadcast()
		case <-n.ctx.Done():
			n.leaderChanged.Broadcast()
			return
		}
	}
}

// useOwnTimeouts ends the longer timeouts of Config.YieldsFirstElection.
func (n *Node) useOwnTimeouts() error {
	rc := n.raft.ReloadableConfig()
	rc.HeartbeatTimeout, rc.ElectionTimeout = n.cfg.Heartbeat, n.cfg.Election
	return n.raft.ReloadConfig(rc)
}
