// Package consensus is one node's part in the replicated log: it elects,
// replicates, syncs to disk, and applies committed commands to the state. It
// is hashicorp/raft with a durable log, a transport that dials logical names,
// and strict answers: an error either proves that a command was never proposed
// (api.Refused) or leaves its outcome unknown. Serving users is gateway's task.
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
	// Voters are those of Peers that elect and commit; the rest only learn.
	Voters []string
	Dir    string // for log and snapshots
	// Dial connects to a logical address, and Listen accepts at Addr; both see to it
	// that the other side is a node. A nil Listen is a plain one, for tests.
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	Listen func(network, addr string) (net.Listener, error)
	Timing
	Note   func(k events.Kind, says string, fields map[string]string)
	Logger hclog.Logger
	// SnapshotEvery is how many entries the log may grow before it is cut; 0 means 8192.
	SnapshotEvery uint64
	// YieldsFirstElection is for nodes outside the main region: until this node first knows
	// a leader it waits three times as long before it stands, so that at a
	// cold start the main region leads.
	YieldsFirstElection bool
	// StartsFirstElection is for one node of the main region: when it starts the cluster's
	// log it stands for election at once, see coldstart.go.
	StartsFirstElection bool
	// WaitsForLeader is for a node that must not begin a log of its own when its folder
	// is empty: it waits until a leader brings it one.
	WaitsForLeader bool
	// NeedsLease is for a voter that a standby may replace: from its start it takes
	// and acknowledges commands only as long as it is told that none has, see StandsUntil.
	NeedsLease bool
	Defects    Defects

	vfs types.VFS // that the log is on; nil is the machine's files
}

// Timing is how fast a node notices and acts.
type Timing struct {
	Heartbeat time.Duration // a follower that hears nothing for this long stands for election
	Election  time.Duration // a candidate that has not won after this long tries again
	Lease     time.Duration // a leader that cannot reach a majority for this long steps down
	Commit    time.Duration // an idle leader tells followers what is committed this often
}

// snapshotEvery is how many entries the log grows before a snapshot is taken,
// and how many are kept behind one for followers that lag.
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
	rc.SnapshotInterval = 2 * time.Second // how often the threshold is looked at: bounds the log of a busy node
	rc.TrailingLogs = rc.SnapshotThreshold
	rc.MaxAppendEntries = 256
	rc.ShutdownOnRemove = false // a node that was removed may be added again
	rc.BatchApplyCh = true      // what waits for the disk is written in one go
	rc.NoLegacyTelemetry = true
	rc.Logger = c.Logger
	return rc
}
