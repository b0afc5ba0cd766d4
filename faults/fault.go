// Package faults is the catalogue of disturbances. A fault is a settings
// struct, one file each: its exported fields are the schema of a scenario's
// `with:`, Inject does the deed and returns its undo, and its Verifier methods
// measure the deed on the very links or nodes disturbed.
package faults

import (
	"context"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Fault disturbs its victims until the returned heal is called. Heal is called
// once, with a context that is alive, even when the run's is not.
type Fault interface {
	Inject(ctx context.Context, v Victims) (heal func(context.Context) error, err error)
	// FaultImpact is what the fault takes away by design, which decides who is
	// eligible for recovery meanwhile.
	Impact(v Victims) topology.FaultImpact
	// Describe describes the deed in a few words: "kill east-1".
	Describe(v Victims) string
	Verifier
}

// Verifier measures a fault. Each method makes one measurement now and returns
// what it saw; the error says what is missing for the proof. With nothing
// injected, Active must fail.
type Verifier interface {
	// Active returns nil only while the fault is felt by every victim.
	Active(ctx context.Context, v Victims) (saw string, err error)
	// Cleared returns nil only while no victim feels anything any more.
	Cleared(ctx context.Context, v Victims) (saw string, err error)
	// ControlUnaffected returns nil when an untouched neighbour is measured and untouched.
	// Where every node or link is a victim it returns nil and says so.
	ControlUnaffected(ctx context.Context, v Victims) (saw string, err error)
}

// CapabilityChecker is a fault that not every runtime can do. Requires returns
// cluster.Unsupported, with the reason, when it cannot be done to a node.
type CapabilityChecker interface {
	Requires(p cluster.Process) error
}

// ClusterCapabilityChecker is a fault that not every target can do. RequiresOf returns
// cluster.Unsupported, with the reason, when it cannot be done to a cluster.
type ClusterCapabilityChecker interface {
	RequiresOf(c *cluster.Cluster) error
}

// Validator is a fault whose settings can be wrong; Validate says how, naming
// the field and the allowed values.
type Validator interface{ Validate() error }

// Victims is whom a fault is for, roles resolved.
type Victims struct {
	Cluster *cluster.Cluster
	ID      string          // of the step, unique in the run; tags toxics
	Nodes   []topology.Node // chosen by `on`
	To      []topology.Node // chosen by `to`; empty means all others
	Seed    uint64          // the fault's own randomness
	// Others are faults under way by ID, so that ControlUnaffected can pick a neighbour that none of them touches.
	Others []topology.FaultImpact
}
