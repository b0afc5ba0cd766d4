package topology

// Selector chooses nodes. Fields that are set must all match; an empty
// selector matches no node, so that a forgotten field harms nobody.
type Selector struct {
	Region  Region `json:"region,omitempty" yaml:"region,omitempty"`
	Service string `json:"service,omitempty" yaml:"service,omitempty"`
	Role    Role   `json:"role,omitempty" yaml:"role,omitempty"` // resolved by the target at injection
	Node    NodeID `json:"node,omitempty" yaml:"node,omitempty"`
	// All matches every node.
	All bool `json:"all,omitempty" yaml:"all,omitempty"`
}

// Empty says that nothing was selected on.
func (s Selector) Empty() bool { return s == Selector{} }

// Select lists the nodes that match everything but the role.
func (t Topology) Select(s Selector) []Node {
	if s.Empty() {
		return nil
	}
	var out []Node
	for _, n := range t.Nodes {
		if (s.Region == "" || s.Region == n.Region) &&
			(s.Service == "" || s.Service == n.Service) &&
			(s.Node == "" || s.Node == n.ID) {
			out = append(out, n)
		}
	}
	return out
}
