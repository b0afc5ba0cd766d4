package links

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/topology"
)

// checkLink returns nil for a link of this mesh, else what is wrong with it and
// the name that was probably meant.
func (m *Mesh) checkLink(l topology.Link) error {
	if err := m.node(l.To); err != nil {
		return fmt.Errorf("link %s: %w", l, err)
	}
	if l.From.Clients != "" {
		if err := m.region(l.From.Clients); err != nil {
			return fmt.Errorf("link %s: %w", l, err)
		}
		return nil
	}
	if err := m.node(l.From.Node); err != nil {
		return fmt.Errorf("link %s: %w", l, err)
	}
	if l.From.Node == l.To {
		return fmt.Errorf("link %s: a node has no link to itself", l)
	}
	return nil
}

func (m *Mesh) node(id topology.NodeID) error {
	if m.linkd(id) != nil {
		return nil
	}
	var all []string
	for _, n := range m.topology.Nodes {
		all = append(all, string(n.ID))
	}
	return fmt.Errorf("there is no node %q%s", id, suggestion(string(id), all))
}

func (m *Mesh) region(r topology.Region) error {
	var all []string
	for _, checkLink := range m.topology.Regions() {
		if r == checkLink {
			return nil
		}
		all = append(all, string(checkLink))
	}
	return fmt.Errorf("there is no region %q%s", r, suggestion(string(r), all))
}

// ingress finds where the clients of a region enter for a logical address. The
// port is given by number, as programs do, or by name.
func (m *Mesh) ingress(from topology.Region, addr string) (Ingress, error) {
	if err := m.region(from); err != nil {
		return Ingress{}, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return Ingress{}, fmt.Errorf("want NODE:PORT: %w", err)
	}
	id := topology.NodeID(host)
	if err := m.node(id); err != nil {
		return Ingress{}, err
	}
	n, _ := m.topology.Node(id)
	var all []string
	for _, p := range ports(n) {
		if port == p.Name || port == strconv.Itoa(p.Number) {
			return m.linkd(id).Ingress[from][p.Name], nil
		}
		all = append(all, fmt.Sprintf("%d (%s)", p.Number, p.Name))
	}
	return Ingress{}, fmt.Errorf("%s has no port %s; it has %v", id, port, all)
}

// ports lists a node's ports and its pod's echo.
func ports(n topology.Node) []topology.Port {
	return append(slices.Clone(n.Ports), topology.Port{Name: EchoPort, Number: EchoNumber})
}

// suggestion ends an error about a name that is not known: with the one that was
// probably meant, or with all there are.
func suggestion(name string, all []string) string {
	if best := suggest.Closest(name, all); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return fmt.Sprintf("; there are %v", all)
}
