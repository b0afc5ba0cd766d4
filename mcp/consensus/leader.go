package consensus

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// Leader is the node that this one takes for the leader, "" when it knows
// none, and a channel that is closed when that may have changed.
func (n *Node) Leader() (name string, changed <-chan struct{}) {
	changed = n.news.wait()
	if n.defects.leads() {
		return n.cfg.Name, changed
	}
	_, id := n.raft.LeaderWithID()
	return string(id), changed
}

// Leads says whether this node leads and has caught up, so that it may decide
// for the cluster, and in which term.
func (n *Node) Leads() (term uint64, ok bool) {
	term = n.ready.Load()
	return term, term != 0
}

// Term is the latest term this node has seen.
func (n *Node) Term() uint64 { return n.raft.CurrentTerm() }

// follow notes this node's own rises and falls, until it closes.
func (n *Node) follow(won <-chan bool) {
	for {
		select {
		case leading := <-won:
			if leading {
				n.rise()
			} else {
				n.fall()
			}
		case <-n.ctx.Done():
			return
		}
	}
}

func (n *Node) rise() {
	term := n.raft.CurrentTerm()
	fields := map[string]string{"term": strconv.FormatUint(term, 10)}
	n.cfg.Note(events.Elected, fmt.Sprintf("%s leads in term %d", n.cfg.Name, term), fields)
	// All that earlier leaders committed must be applied before this one
	// decides anything.
	for n.raft.Barrier(0).Error() != nil {
		if n.raft.State() != raft.Leader {
			return // deposed again; fall comes next
		}
	}
	n.ready.Store(term)
	n.cfg.Note(events.Promoted, fmt.Sprintf("%s has caught up in term %d", n.cfg.Name, term), fields)
}

func (n *Node) fall() {
	if term := n.ready.Swap(0); term != 0 {
		n.cfg.Note(events.Deposed, fmt.Sprintf("%s no longer leads", n.cfg.Name),
			map[string]string{"term": strconv.FormatUint(term, 10)})
	}
}

// TransferLeadership passes leadership on: to the named node, or the one that is
// furthest when the name is empty. New commands are refused meanwhile, and those under way are
// let through first, so that nobody's outcome becomes unknown by it.
func (n *Node) TransferLeadership(ctx context.Context, to string) error {
	n.gate.shut()
	defer n.gate.open()
	if err := n.gate.idle(ctx); err != nil {
		return fmt.Errorf("hand over leadership: %w", err)
	}
	n.defects.beforeHandover()
	var f raft.Future
	if to == "" {
		f = n.raft.LeadershipTransfer()
	} else {
		f = n.raft.LeadershipTransferToServer(raft.ServerID(to), n.address(to))
	}
	if err := f.Error(); err != nil {
		return fmt.Errorf("hand over leadership: %w", err)
	}
	// The gate stays shut until raft itself refuses, else a command could slip in between.
	for deadline := time.Now().Add(n.cfg.Election); n.raft.State() == raft.Leader && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// news tells of changes of leadership.
type news struct {
	mu     sync.Mutex
	change chan struct{}
}

func (w *news) wait() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.change
}

func (w *news) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.change)
	w.change = make(chan struct{})
}

func (n *Node) listenForNews() {
	seen := make(chan raft.Observation, 16) // a full channel holds news enough
	o := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	n.raft.RegisterObserver(o)
	defer n.raft.DeregisterObserver(o)
	deferring := n.cfg.YieldsFirstElection
	for {
		select {
		case <-seen:
			if name, _ := n.Leader(); name != "" && deferring {
				deferring = n.standAsOthers() != nil
			}
			n.news.tell()
		case <-n.ctx.Done():
			n.news.tell()
			return
		}
	}
}

// standAsOthers ends the deference of Config.Defers.
func (n *Node) standAsOthers() error {
	rc := n.raft.ReloadableConfig()
	rc.HeartbeatTimeout, rc.ElectionTimeout = n.cfg.Heartbeat, n.cfg.Election
	return n.raft.ReloadConfig(rc)
}
