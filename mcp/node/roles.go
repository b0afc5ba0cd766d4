package node

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
)

// Peer is a node as all others know it.
type Peer struct {
	Region string
	Roles  []nodespec.Role
	// Standby is how ready the node is to take over; the empty level votes.
	Standby nodespec.Standby
}

// Has says whether the node has a role.
func (p Peer) Has(r nodespec.Role) bool { return slices.Contains(p.Roles, r) }

// parsePeer reads NAME/REGION, which has every role, or NAME/REGION/ROLE+ROLE,
// and a level of standby after that: NAME/REGION/ROLE+ROLE/warm.
func parsePeer(s string) (name string, p Peer, err error) {
	name, rest, _ := strings.Cut(s, "/")
	region, rest, some := strings.Cut(rest, "/")
	roles, level, stands := strings.Cut(rest, "/")
	if name == "" || region == "" {
		return "", p, fmt.Errorf("--peers: %q is not NAME/REGION or NAME/REGION/ROLE+ROLE", s)
	}
	p = Peer{Region: region, Roles: nodespec.Roles()}
	if !some {
		return name, p, nil
	}
	p.Roles = nil
	for r := range strings.SplitSeq(roles, "+") {
		if !slices.Contains(nodespec.Roles(), nodespec.Role(r)) {
			return "", p, fmt.Errorf("--peers: %s has no role %q: known are %s", name, r, joinRoles(nodespec.Roles()))
		}
		p.Roles = append(p.Roles, nodespec.Role(r))
	}
	if p.Standby = nodespec.Standby(level); stands && p.Standby != nodespec.Warm && p.Standby != nodespec.Cold {
		return "", p, fmt.Errorf("--peers: %s has no standby level %q: known are %s, %s", name, level, nodespec.Warm, nodespec.Cold)
	}
	return name, p, nil
}

// with lists the nodes that have a role, sorted by name.
func (c Config) with(r nodespec.Role) []string {
	return slices.DeleteFunc(c.names(), func(n string) bool { return !c.Peers[n].Has(r) })
}

// has says whether this node has a role.
func (c Config) has(r nodespec.Role) bool { return c.Peers[c.Name].Has(r) }

// notGateway says why users' mutations are refused here, "" for a gateway.
func (n *node) notGateway() string {
	if n.cfg.has(nodespec.Gateway) {
		return ""
	}
	return "this node is no gateway; users enter by " + strings.Join(n.cfg.with(nodespec.Gateway), ", ")
}
