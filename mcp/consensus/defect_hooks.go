package consensus

import (
	"github.com/hashicorp/raft"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// Defects are faults that a node is started with on purpose, so that whoever tests
// the platform can check that the test notices. A sound node has none.
type Defects struct {
	// AckBeforeReplicate makes a leader acknowledge mutations that only it has.
	AckBeforeReplicate bool
	// AckBeforeSync makes the log report entries as stored before they are on disk.
	AckBeforeSync bool
	// SyncLater makes the log sync every now and then, and report entries as synced at once.
	SyncLater bool
	// SkipArbitration lets the node lead without a vote, see LeadWithoutVote.
	SkipArbitration bool
	// ForgetIDs makes the node apply a retried mutation a second time.
	ForgetIDs bool
}

// hooks are the only points at which a defect acts in place of what a sound node
// does. None is nil: production code calls them and knows of no defect. Each
// defect has a file defect_*.go with a method that puts it into the hooks.
type hooks struct {
	// logStore returns the log that raft writes to.
	logStore func(l *diskLog) raft.LogStore
	// start is called once the node takes part, stop after raft has stopped.
	start, stop func()
	// propose acknowledges a command in place of consensus; instead says whether it did.
	propose func(c *api.Command) (out *api.Applied, instead bool, err error)
	// readIndex answers a read in the given term without a majority; instead says whether it did.
	readIndex func() (term uint64, instead bool)
	// leads says whether the node takes itself for the leader without a vote.
	leads func() bool
	// state returns what the node shows in place of what it has applied, or nil.
	state func() *state.State
	// beforeHandover is called when no command is under way any more.
	beforeHandover func()
}

func newHooks(n *Node) *hooks {
	h := &hooks{
		logStore:       func(l *diskLog) raft.LogStore { return l },
		start:          func() {},
		stop:           func() {},
		propose:        func(*api.Command) (*api.Applied, bool, error) { return nil, false, nil },
		readIndex:      func() (uint64, bool) { return 0, false },
		leads:          func() bool { return false },
		state:          func() *state.State { return nil },
		beforeHandover: func() {},
	}
	d := n.cfg.Defects
	if d.ForgetIDs {
		n.state.ForgetIDs()
	}
	if d.AckBeforeSync {
		(&lazyLog{}).install(n, h)
	}
	if d.AckBeforeReplicate {
		(&asyncReplication{node: n}).install(h)
	}
	if d.SkipArbitration {
		n.selfMade = &selfMadeLeader{node: n}
		n.selfMade.install(h)
	}
	return h
}
