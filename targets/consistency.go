package targets

// Consistency is what a system promises of what it has acknowledged, without faults and
// after the loss of its leader. The conformance suite asks no more of it; the promises of a
// run are a scenario's objectives.
type Consistency string

// The consistencies.
const (
	// Linearizable: every node shows at once what was acknowledged, and a lost leader loses nothing.
	Linearizable Consistency = "linearizable"
	// Eventual: nodes show in the end what was acknowledged and not lost. Replication is
	// asynchronous, or nobody takes over.
	Eventual Consistency = "eventual"
)

// Promiser is a target that says what its system promises.
type Promiser interface {
	Consistency() Consistency
}

// ConsistencyOf is what a target's system promises: Linearizable where it does not say.
func ConsistencyOf(t Target) Consistency {
	if p, ok := t.(Promiser); ok {
		return p.Consistency()
	}
	return Linearizable
}
