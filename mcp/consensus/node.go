package consensus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"github.com/mcp-resilience/holdfast/internal/broadcast"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// Node takes part in consensus from Open until Close.
type Node struct {
	cfg       Config
	raft      *raft.Raft
	log       *diskLog
	transport *transport
	state     *state.State

	ctx  context.Context // ends when the node closes
	stop context.CancelFunc
	work sync.WaitGroup

	leadingTerm   atomic.Uint64 // the term in which this node leads and has caught up; 0 while it does not
	leaderChanged broadcast.Signal
	inflight      inflight
	lease         standbyLease
	barriers      readBarriers

	defects  *hooks
	selfMade *selfMadeLeader // nil without the defect SkipArbitration
}

// Open joins the cluster. With an empty folder the node starts the cluster's log from the
// configured peers, which must be the same on all nodes.
func Open(cfg Config) (_ *Node, err error) {
	log, err := openLog(cfg.Dir, cfg.Logger.Named("log"), cfg.files())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			log.Close()
		}
	}()
	snaps, err := openSnapshots(cfg.Dir, cfg.Logger.Named("snapshots"))
	if err != nil {
		return nil, err
	}
	lost, err := log.verify(snaps)
	if err != nil {
		return nil, err
	}
	if lost.index > 0 {
		if err := log.checkOtherVoters(snaps, cfg.Name, lost); err != nil {
			return nil, err
		}
	}
	tr, err := listen(cfg)
	if err != nil {
		return nil, err
	}
	tr.lastIndex = log.LastIndex
	if lost.index > 0 {
		tr.lostTail.target.Store(&lost)
		last, _ := log.LastIndex()
		cfg.Note(events.Repairing, fmt.Sprintf("the log had been synced up to entry %d and now ends with %d: until the missing entries are sent again this node does not stand for election, and votes only for a candidate that has them", lost.index, last), nil)
	}
	defer func() {
		if err != nil {
			tr.Close()
		}
	}()
	fresh, err := bootstrap(cfg, log, snaps, tr)
	if err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, log: log, transport: tr, state: state.New(), lease: standbyLease{required: cfg.NeedsLease}}
	n.defects = newHooks(n)
	n.ctx, n.stop = context.WithCancel(context.Background())
	won := make(chan bool, 16)
	rc := cfg.raft()
	rc.NotifyCh = won
	cache, err := raft.NewLogCache(1024, n.defects.logStore(log))
	if err != nil {
		return nil, fmt.Errorf("open consensus log cache: %w", err)
	}
	if n.raft, err = raft.NewRaft(rc, &stateMachine{n.state}, cache, log.stable, snaps, tr); err != nil {
		return nil, fmt.Errorf("open consensus: %w", err)
	}
	n.work.Go(func() { n.watchElections(won) })
	n.work.Go(n.watchLeader)
	if fresh && cfg.StartsFirstElection {
		n.work.Go(n.startFirstElection)
	}
	n.defects.start()
	return n, nil
}

// bootstrap starts the cluster's log where there is none, and reports whether it did.
func bootstrap(cfg Config, log *diskLog, snaps raft.SnapshotStore, tr raft.Transport) (fresh bool, err error) {
	known, err := raft.HasExistingState(log, log.stable, snaps)
	if err != nil {
		return false, fmt.Errorf("look for an existing log: %w", err)
	}
	if known || cfg.WaitsForLeader {
		return false, nil
	}
	if err := raft.BootstrapCluster(cfg.raft(), log, log.stable, snaps, tr, initialConfiguration(cfg)); err != nil {
		return false, fmt.Errorf("start the log: %w", err)
	}
	return true, nil
}

// Close stops at once. To pass leadership on first, call TransferLeadership.
func (n *Node) Close() error {
	n.stop()
	n.transport.abort()
	err := n.raft.Shutdown().Error()
	n.work.Wait()
	n.defects.stop()
	return errors.Join(err, n.transport.Close(), n.log.Close())
}

// State returns what this node has applied. A leader with a defect shows what it has
// acknowledged instead.
func (n *Node) State() *state.State {
	if s := n.defects.state(); s != nil {
		return s
	}
	return n.state
}

// WaitApplied returns once this node has applied the log up to index, or when ctx ends,
// with an error.
func (n *Node) WaitApplied(ctx context.Context, index uint64) error {
	for {
		at, more := n.state.Applied()
		if at >= index {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("wait for log index %d, at %d: %w", index, at, ctx.Err())
		}
	}
}

// Committed returns the state that committed commands alone have made.
func (n *Node) Committed() *state.State { return n.state }
