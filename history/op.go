// Package history is what the clients saw: every operation with its intended,
// call and return instants on one monotonic clock, and what is known of its
// outcome. It records and stores; it judges nothing.
package history

import (
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// Kind is what an operation asks for.
type Kind string

// The kinds of operation. A register holds one value; a set only grows; a bank
// has accounts between which money moves; a stream keeps messages in order.
const (
	Read    Kind = "read"    // of register Key; Output is the value, "" when never written
	Write   Kind = "write"   // Value to register Key
	CAS     Kind = "cas"     // Value to register Key if it holds Expect; Applied says whether
	Add     Kind = "add"     // Value to set Key
	SetRead Kind = "members" // of set Key; Set is the content

	Open     Kind = "open"     // bank Key with the accounts Set, Amount in each, unless it is open
	Transfer Kind = "transfer" // Amount between accounts From and To of bank Key; Applied says whether it was done
	Balances Kind = "balances" // of bank Key; Set is ACCOUNT=AMOUNT for each

	Publish  Kind = "publish"  // Value as a message to stream Key; Revision is its place in it
	Consume  Kind = "consume"  // by consumer Key, STREAM/NAME; Set is the messages handed over, OK says that the system knows of it
	Messages Kind = "messages" // of stream Key; Set is all that it holds, in order
)

// Class is the kind of service a client waits for; RTO is measured per class.
type Class string

// The classes.
const (
	Reads  Class = "read"
	Writes Class = "write"
	// LocalRead is what a region does without a majority: reads that asked to be
	// stale. No RTO is measured of it.
	LocalRead Class = "local read"
)

// Class returns the class of a kind.
func (k Kind) Class() Class {
	switch k {
	case Read, SetRead, Balances, Consume, Messages:
		return Reads
	default:
		return Writes
	}
}

// Outcome is what is known of an operation's effect.
type Outcome string

// The outcomes. Whatever is not proved is Unknown, and may take effect at any later time.
const (
	OK      Outcome = "ok"      // acknowledged
	Failed  Outcome = "failed"  // proved to have had no effect
	Unknown Outcome = "unknown" // everything else
)

// Dropped is the Error of an operation that was due but could not be sent for
// lack of a free slot. It is Failed, and counts as bad.
const Dropped = "not sent: no free slot"

// Op is one operation of one client. Each attempt is an operation of its own.
type Op struct {
	ID     int64           `json:"id"`
	Client int             `json:"client"`
	Region topology.Region `json:"region"` // of the client
	Kind   Kind            `json:"kind"`
	Key    string          `json:"key"`
	Value  string          `json:"value,omitempty"`
	Expect string          `json:"expect,omitempty"`
	From   string          `json:"from,omitempty"`
	To     string          `json:"to,omitempty"`
	Amount int64           `json:"amount,omitempty"`

	// Offsets from the run's start. Latency counts from Intended.
	Intended time.Duration `json:"intended"`
	Call     time.Duration `json:"call"`
	Return   time.Duration `json:"return"` // when the outcome was known, or the client gave up

	Outcome  Outcome  `json:"outcome"`
	Error    string   `json:"error,omitempty"`
	Shed     bool     `json:"shed,omitempty"`     // refused, explicitly, for want of resources
	Rejected bool     `json:"rejected,omitempty"` // failed, and a server said so: it did not merely stay unreached
	Output   string   `json:"output,omitempty"`   // of a read
	Applied  bool     `json:"applied,omitempty"`  // of a cas or a transfer
	Set      []string `json:"set,omitempty"`      // of members, open and balances
	Stale    bool     `json:"stale,omitempty"`    // a read that the client asked to be stale

	// What the system said about its answer, where it does.
	Node     topology.NodeID `json:"node,omitempty"`     // that acknowledged
	Term     uint64          `json:"term,omitempty"`     // of the leader
	Revision uint64          `json:"revision,omitempty"` // place in the system's total order, 0 where it has none

	// Final marks a read of the read-back after quiescence, sent through ReadThrough.
	Final       bool            `json:"final,omitempty"`
	ReadThrough topology.NodeID `json:"readThrough,omitempty"`
}

// LocalReadSetting is the setting that edge reads ask for. It is set, to itself, before
// the load begins, so that an empty answer is a wrong one.
const LocalReadSetting = "config/edge"

// LocalReadToken is the key of an edge read that has the client's own token verified;
// the answer is whom it was issued to.
const LocalReadToken = "identity/token"

// Class returns the class of an operation: that of its kind, but for what its
// own region serves without a majority.
func (op *Op) Class() Class {
	if op.Stale && !op.Final {
		return LocalRead
	}
	return op.Kind.Class()
}
