// Package history records what clients did and what they were answered: every operation with the
// instants at which it was due, called and answered, on one monotonic clock, and what is known of its
// outcome. It records, stores and loads histories. It sends no operations (package
// workload does) and judges nothing (package check does).
package history

import (
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// Kind is what an operation asks for.
type Kind string

// The kinds of operation. A register holds one value; a set only grows; a list keeps
// what is appended in order; a bank
// has accounts between which money moves; a stream keeps messages in order.
const (
	Read    Kind = "read"    // of register Key; Output is the value, "" when never written
	Write   Kind = "write"   // Value to register Key
	CAS     Kind = "cas"     // Value to register Key if it holds Expect; Applied reports whether
	Add     Kind = "add"     // Value to set Key
	SetRead Kind = "members" // of set Key; Set is the content

	Append   Kind = "append" // Value to the end of list Key
	Put      Kind = "put"    // list Key becomes Value alone
	ListRead Kind = "list"   // of list Key; Set is the content in order

	Open     Kind = "open"     // bank Key with the accounts Set, Amount in each, unless it is open
	Transfer Kind = "transfer" // Amount between accounts From and To of bank Key; Applied reports whether it was done
	Balances Kind = "balances" // of bank Key; Set is ACCOUNT=AMOUNT for each

	Publish  Kind = "publish"  // Value as a message to stream Key; Revision is its place in it
	Consume  Kind = "consume"  // by consumer Key, STREAM/NAME; Set is the messages received, OK means that the system recorded their delivery
	Messages Kind = "messages" // of stream Key; Set is all that it holds, in order
)

// Class groups kinds of operation. RTO and availability are measured for each class.
type Class string

// The classes.
const (
	Reads  Class = "read"
	Writes Class = "write"
	// LocalRead is reads that asked for possibly stale data, which a region answers by itself,
	// with or without a quorum. No RTO is measured for them.
	LocalRead Class = "local read"
)

// Class returns the class of a kind.
func (k Kind) Class() Class {
	switch k {
	case Read, SetRead, ListRead, Balances, Consume, Messages:
		return Reads
	default:
		return Writes
	}
}

// Outcome is what is known of an operation's effect.
type Outcome string

// The outcomes. An operation that is neither acknowledged nor proved to have failed is Unknown: it may
// have taken effect, or take effect at any later time.
const (
	OK      Outcome = "ok"      // acknowledged
	Failed  Outcome = "failed"  // proved to have had no effect
	Unknown Outcome = "unknown" // neither is proved
)

// Dropped is the Error of an operation that was due but not sent, because the client
// had as many in flight as it may. Its outcome is Failed, and it counts as bad.
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
	Shed     bool     `json:"shed,omitempty"`     // rejected explicitly for lack of resources
	Rejected bool     `json:"rejected,omitempty"` // failed because a server rejected it, and not because no server was reached
	Output   string   `json:"output,omitempty"`   // of a read
	Applied  bool     `json:"applied,omitempty"`  // of a cas or a transfer
	Set      []string `json:"set,omitempty"`      // of a read of a set, bank, consumer or stream; of open, the accounts
	Stale    bool     `json:"stale,omitempty"`    // a read that asked for possibly stale data

	// What the system reported about its answer, zero where it does not.
	Node     topology.NodeID `json:"node,omitempty"`     // that acknowledged
	Term     uint64          `json:"term,omitempty"`     // of the leader
	Revision uint64          `json:"revision,omitempty"` // place in the system's total order, 0 where it has none

	// Final marks a read of the read-back after quiescence, sent through ReadThrough.
	Final       bool            `json:"final,omitempty"`
	ReadThrough topology.NodeID `json:"readThrough,omitempty"`
}

// LocalReadSetting is the key of the setting that local reads ask for. It is set, to its own name,
// before the load begins, so that an empty answer is wrong.
const LocalReadSetting = "config/edge"

// LocalReadToken is the key of a local read in which a node verifies the client's token. The
// answer is the name that the token was issued to.
const LocalReadToken = "identity/token"

// Class returns the class of an operation: LocalRead for a stale read of the load, and the class of
// its kind for any other.
func (op *Op) Class() Class {
	if op.Stale && !op.Final {
		return LocalRead
	}
	return op.Kind.Class()
}
