// Package events is the wire form of a node's event log, which it serves as JSON
// lines at /events: the kinds of events and what each entry says. It is not a log for
// debugging; an event is something an operator would be woken for.
package events

import "time"

// Kind is what happened.
type Kind string

// The kinds.
const (
	Started   Kind = "started"   // the node came up
	Stopping  Kind = "stopping"  // the node was asked to stop
	Repairing Kind = "repairing" // the node's disk has lost synced entries, which a leader must send again
	Strike    Kind = "strike"    // a probe of a peer failed, or was slower than is usual for it
	Pending   Kind = "pending"   // enough strikes in a row: witnesses are asked about the peer
	Suspect   Kind = "suspect"   // this node suspects that a peer is dead
	Cleared   Kind = "cleared"   // a pending or suspected peer answered this node again
	Confirmed Kind = "confirmed" // a majority of regions agrees that a node is lost
	Rejoined  Kind = "rejoined"  // a lost node answers a majority of regions again
	Elected   Kind = "elected"   // this node won an election
	Promoted  Kind = "promoted"  // this node has caught up as leader and serves
	Deposed   Kind = "deposed"   // this node no longer leads
	Takeover  Kind = "takeover"  // a standby starts a new epoch of the cluster
	Restored  Kind = "restored"  // this node restored its state from the object store
	StepDown  Kind = "aside"     // this node leads, is short of CPU, and transfers leadership
	Weights   Kind = "weights"   // traffic was moved

	Added         Kind = "added"        // a node became a member, without a vote
	VoterPromoted Kind = "enfranchised" // a member has caught up and is a voter now
	Removed       Kind = "removed"      // a node is not a member any more
	// Registered: the registry has this node's present roles.
	Registered Kind = "registered"

	Configured Kind = "configured" // a gateway applies other settings, or has them from another source

	// SigningKey: a key that tokens are signed with was published. Revoked: a session was ended.
	SigningKey Kind = "signing-key"
	Revoked    Kind = "revoked"

	Alert         Kind = "alert"    // the leader raised an alert
	AlertResolved Kind = "resolved" // the condition of an alert does not hold any more

	BusSuspect     Kind = "bus suspect"     // a message server lost the route to a peer
	BusIsolated    Kind = "bus isolated"    // one that sees no majority closed its clients' connections
	BusElected     Kind = "bus elected"     // this node's server was elected leader of a stream
	BusRemapped    Kind = "bus remapped"    // the platform agrees on who leads the stream
	BusReconnected Kind = "bus reconnected" // clients that had lost their server are at one that serves
	BusRejoined    Kind = "bus rejoined"    // a message server sees a majority again

	JournalPromoted Kind = "journal promoted" // this node is the primary of a class
	JournalDeposed  Kind = "journal deposed"  // it no longer is
	JournalCut      Kind = "journal cut"      // this node dropped records that the primary does not have
	JournalRepaired Kind = "journal repaired" // this node cut a tail that a crash had torn
)

// Kinds lists all of them.
func Kinds() []Kind {
	return []Kind{
		Started, Stopping, Repairing, Strike, Pending, Suspect,
		Cleared, Confirmed, Rejoined, Elected, Promoted, Deposed,
		Takeover, Restored, StepDown, Weights, Added, VoterPromoted,
		Removed, Registered, Configured, SigningKey, Revoked, Alert,
		AlertResolved, BusSuspect, BusIsolated, BusElected, BusRemapped, BusReconnected,
		BusRejoined, JournalPromoted, JournalDeposed, JournalCut, JournalRepaired,
	}
}

// Event is one entry of a node's event log.
type Event struct {
	Start       string            `json:"start"` // names one run of the node's process
	Seq         uint64            `json:"seq"`   // 1, 2, … within that run
	Wall        time.Time         `json:"wall"`
	Node        string            `json:"node"`
	Region      string            `json:"region"`
	Kind        Kind              `json:"kind"`
	Description string            `json:"says"`
	Fields      map[string]string `json:"fields,omitempty"`
}
