// Package faults is the catalogue of faults. A fault is a settings struct, one
// file each, whose exported fields are the schema of a scenario's `with:`.
// Prepare binds the settings to victims and returns an Injection, which injects
// the fault, proves that it is active by measuring the very links or nodes that
// it affects, and heals it. It knows no system under test, and decides neither
// when a fault is injected nor what follows from it.
package faults

import (
	"context"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Fault is the settings of one way to break something. No method changes them:
// the same value may be injected many times, into several clusters, and at the
// same time.
type Fault interface {
	// Prepare binds the settings to victims. Nothing happens to them yet.
	Prepare(v Victims) Injection
	// Impact is what the fault takes away by design; it decides which clients can
	// still reach a quorum meanwhile.
	Impact(v Victims) topology.FaultImpact
	// Describe says in a few words what the fault does: "kill east-1".
	Describe(v Victims) string
}

// Injection is one use of a fault on its victims. It holds whatever is known of
// this use alone, such as how to undo it. It is injected once at most.
type Injection interface {
	// Inject returns once the fault is in force. On error it has taken back what
	// it had done, as far as the victims can be reached.
	Inject(ctx context.Context) error
	// Heal takes the fault away. It may be repeated until it succeeds, and does
	// nothing before Inject or after a success. The context must be alive even
	// when the run's is not.
	Heal(ctx context.Context) error
	Verifier
}

// Verifier measures a fault. Each method makes one measurement now and returns
// what it observed; the error is what is missing for the proof.
type Verifier interface {
	// Active returns nil only while the fault has its effect on every victim. It
	// fails before Inject and after Heal.
	Active(ctx context.Context) (observed string, err error)
	// Cleared returns nil only while the fault has no effect on any victim.
	Cleared(ctx context.Context) (observed string, err error)
	// ControlUnaffected measures a link or node that is neither a victim nor
	// touched by others, the impact of the other faults in force, and returns nil
	// when it is unaffected. Where there is none it returns nil and tells so.
	ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (observed string, err error)
}

// CapabilityChecker is a fault that not every runtime can inject. Requires returns
// cluster.Unsupported, with the reason, when it cannot be injected into a node.
type CapabilityChecker interface {
	Requires(p cluster.Process) error
}

// ClusterCapabilityChecker is a fault that not every target can undergo. RequiresOf
// returns cluster.Unsupported, with the reason, when a cluster cannot.
type ClusterCapabilityChecker interface {
	RequiresOf(c *cluster.Cluster) error
}

// Validator is a fault whose settings can be wrong. Validate returns an
// InvalidField that names the field and the values that are allowed.
type Validator interface{ Validate() error }

// Victims are the nodes that one injection is for. Roles are resolved.
type Victims struct {
	Cluster *cluster.Cluster
	ID      string          // of the step, unique in the run; tags the effects on links
	Nodes   []topology.Node // chosen by `on`
	To      []topology.Node // chosen by `to`; empty means all others
	Seed    uint64          // the source of the fault's randomness
}
