package topology

import (
	"fmt"
	"strings"
)

// Endpoint is the end of a link that opens connections: a node, or the clients of
// a region. Exactly one field is set.
type Endpoint struct {
	Node    NodeID `json:"node,omitempty"`
	Clients Region `json:"clients,omitempty"`
}

func (e Endpoint) String() string {
	if e.Clients != "" {
		return "clients." + string(e.Clients)
	}
	return string(e.Node)
}

// ParseEndpoint is the inverse of Endpoint.String.
func ParseEndpoint(s string) (Endpoint, error) {
	if r, ok := strings.CutPrefix(s, "clients."); ok && r != "" {
		return Endpoint{Clients: Region(r)}, nil
	}
	if s == "" || strings.HasPrefix(s, "clients.") {
		return Endpoint{}, fmt.Errorf("%q is not an end of a link: want a node or clients.REGION", s)
	}
	return Endpoint{Node: NodeID(s)}, nil
}

// MarshalText writes the end as its String.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (e *Endpoint) UnmarshalText(b []byte) (err error) {
	*e, err = ParseEndpoint(string(b))
	return err
}

// Link is the directed path of the connections that From opens to the node To.
// Bytes flow both ways on it; see Direction.
type Link struct {
	From Endpoint `json:"from"`
	To   NodeID   `json:"to"`
}

func (l Link) String() string { return l.From.String() + "→" + string(l.To) }

// Direction is one direction of bytes on a link.
type Direction string

// The directions of a link, named as Toxiproxy names streams. "A cannot reach B" is
// Upstream of A→B and Downstream of B→A.
const (
	Upstream   Direction = "upstream"   // from the opener (From) to the node (To)
	Downstream Direction = "downstream" // from the node (To) back to the opener
	BothWays   Direction = "both"
)

// Flow is the bytes of one link that go in one direction, or in both.
type Flow struct {
	Link      Link      `json:"link"`
	Direction Direction `json:"direction"`
}

// Links lists every link of the topology: each node to each other node, and
// each region's clients to each node.
func (t Topology) Links() []Link {
	var out []Link
	for _, to := range t.Nodes {
		for _, from := range t.Nodes {
			if from.ID != to.ID {
				out = append(out, Link{Endpoint{Node: from.ID}, to.ID})
			}
		}
		for _, r := range t.RegionSpecs {
			out = append(out, Link{Endpoint{Clients: r.Region}, to.ID})
		}
	}
	return out
}

// RegionOf returns the region that an end of a link is in.
func (t Topology) RegionOf(e Endpoint) Region {
	if e.Clients != "" {
		return e.Clients
	}
	n, _ := t.Node(e.Node)
	return n.Region
}
