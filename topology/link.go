package topology

import (
	"fmt"
	"strings"
)

// End is the end of a link that opens connections: a node, or the clients of
// a region. Exactly one field is set.
type End struct {
	Node    NodeID `json:"node,omitempty"`
	Clients Region `json:"clients,omitempty"`
}

func (e End) String() string {
	if e.Clients != "" {
		return "clients." + string(e.Clients)
	}
	return string(e.Node)
}

// ParseEnd is the inverse of End.String.
func ParseEnd(s string) (End, error) {
	if r, ok := strings.CutPrefix(s, "clients."); ok && r != "" {
		return End{Clients: Region(r)}, nil
	}
	if s == "" || strings.HasPrefix(s, "clients.") {
		return End{}, fmt.Errorf("%q is not a link end: want a node or clients.REGION", s)
	}
	return End{Node: NodeID(s)}, nil
}

// MarshalText writes the end as its String.
func (e End) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (e *End) UnmarshalText(b []byte) (err error) {
	*e, err = ParseEnd(string(b))
	return err
}

// Link is the directed path of the connections that From opens to the node To.
// Bytes flow both ways on it; see Flow.
type Link struct {
	From End    `json:"from"`
	To   NodeID `json:"to"`
}

func (l Link) String() string { return l.From.String() + "→" + string(l.To) }

// Flow is one direction of bytes on a link.
type Flow string

// The flows of a link, named as Toxiproxy names streams. "A cannot reach B" is
// Upstream of A→B and Downstream of B→A.
const (
	Upstream   Flow = "upstream"   // from the opener (From) to the node (To)
	Downstream Flow = "downstream" // from the node (To) back to the opener
	BothWays   Flow = "both"
)

// Links lists every link of the topology: each node to each other node, and
// each region's clients to each node.
func (t Topology) Links() []Link {
	var out []Link
	for _, to := range t.Nodes {
		for _, from := range t.Nodes {
			if from.ID != to.ID {
				out = append(out, Link{End{Node: from.ID}, to.ID})
			}
		}
		for _, z := range t.Zones {
			out = append(out, Link{End{Clients: z.Region}, to.ID})
		}
	}
	return out
}

// RegionOf returns the region an end is in.
func (t Topology) RegionOf(e End) Region {
	if e.Clients != "" {
		return e.Clients
	}
	n, _ := t.Node(e.Node)
	return n.Region
}
