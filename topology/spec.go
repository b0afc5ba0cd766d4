package topology

// Spec is what a scenario asks of a target's topology. The zero value is the
// target's default: three regions of one node each.
type Spec struct {
	// Nodes is the number of nodes in each region: 1, 3 or 5; 0 means 1.
	Nodes int `json:"nodes,omitempty" yaml:"nodes,omitempty"`
	// Layout is the target's name for which nodes there are and what each does;
	// empty means its default.
	Layout string `json:"layout,omitempty" yaml:"layout,omitempty"`
	// Profile is the target's name for a set of timings; empty means its default.
	Profile string `json:"profile,omitempty" yaml:"profile,omitempty"`
	// Defects are the target's switchable defects, by name.
	Defects []string `json:"defects,omitempty" yaml:"defects,omitempty"`
	// Latency is the one-way delay of region pairs; empty means the target's default.
	Latency []RegionLatency `json:"latency,omitempty" yaml:"latency,omitempty"`
}
