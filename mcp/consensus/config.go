// Package consensus is one node's part in the replicated log. It elects a leader,
// replicates entries, syncs them to disk, and applies committed commands to the state.
// It is hashicorp/raft with a durable log, a transport that dials logical names, and
// strict errors: an error either proves that a command was never proposed
// (api.Refused), or the command's outcome is unknown. Package gateway serves users.
package consensus

import (
	"cmp"
	"context"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/types"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// Config is what a node needs to take part. The last fields, from SnapshotEvery, may be zero.
type Config struct {
	Name  string            // of this node
	Addr  string            // to listen on, ip:port
	Peers map[string]string // every node, this one too: name to logical raft address
	// Voters are those of Peers that elect and commit; the others are learners.
	Voters []string
	Dir    string // for log and snapshots
	// Dial connects to a logical address, and Listen accepts at Addr. Both ensure that
	// the other side is a node. A nil Listen is net.Listen, for tests.
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	Listen func(network, addr string) (net.Listener, error)
	Timing
	Note   func(k events.Kind, description string, fields map[string]string)
	Logger hclog.Logger
	// SnapshotEvery is how many entries the log may grow before a snapshot replaces
	// them; 0 means 8192.
	SnapshotEvery uint64
	// YieldsFirstElection is for nodes outside the main region: until it first knows a
	// leader the node waits three times as long before it stands for election, so that
	// the main region leads after a cold start.
	YieldsFirstElection bool
	// StartsFirstElection is for one node of the main region: when it starts a new
	// cluster it stands for election at once, see first_election.go.
	StartsFirstElection bool
	// WaitsForLeader is for a node that must not start a log of its own when its folder
	// is empty: it waits until a leader sends it one.
	WaitsForLeader bool
	// NeedsLease is for a voter that a standby may replace: it takes and acknowledges
	// commands only until the instant given to ExtendLease.
	NeedsLease bool
	// Defects are faults that the node is started with on purpose.
	Defects Defects

	vfs types.VFS // file system of the log; nil is the machine's
}

// Timing is how fast a node detects failures and reacts.
type Timing struct {
	Heartbeat time.Duration // a follower that hears nothing for this long stands for election
	Election  time.Duration // a candidate that has not won after this long tries again
	Lease     time.Duration // a leader that cannot reach a majority for this long steps down
	Commit    time.Duration // an idle leader tells followers what is committed this often
}

// snapshotEvery is how many entries the log grows before a snapshot is taken, and
// how many are kept after one for followers that lag.
const snapshotEvery = 8192

func (c Config) raft() *raft.Config {
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(c.Name)
	rc.HeartbeatTimeout = c.Heartbeat
	rc.ElectionTimeout = c.Election
	rc.LeaderLeaseTimeout = c.Lease
	if c.YieldsFirstElection {
		rc.HeartbeatTimeout *= 3
		rc.ElectionTimeout *= 3
	}
	rc.CommitTimeout = c.Commit
	rc.SnapshotThreshold = cmp.Or(c.SnapshotEvery, snapshotEvery)
	rc.SnapshotInterval = 2 * time.Second // how often the threshold is checked, which bounds the log of a busy node
	rc.TrailingLogs = rc.SnapshotThreshold
	rc.MaxAppendEntries = 256
	rc.ShutdownOnRemove = false // a node that was removed may be added again
	rc.BatchApplyCh = true      // entries that wait for the disk are written together
	rc.NoLegacyTelemetry = true
	rc.Logger = c.Logger
	return rc
}
