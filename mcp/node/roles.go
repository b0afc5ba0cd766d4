package node

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/mcp/standby"
)

// Role is one duty of a node. A node may have several: in the compact layout
// each has all of them, in the full layout each has one.
type Role string

// The roles. Every node, whatever its role, holds the replicated log and so can
// answer from what it knows when it is cut off; only control nodes vote.
const (
	Control  Role = "control"  // votes, keeps the ledger and the journals, probes, arbitrates
	Gateway  Role = "gateway"  // the entrance of users, and the GSLB that leads there
	Bus      Role = "bus"      // carries messages
	Identity Role = "identity" // issues tokens
	Settings Role = "config"   // the configuration centre
)

// Roles lists all roles.
func Roles() []Role { return []Role{Control, Gateway, Bus, Identity, Settings} }

// Peer is a node as all others know it.
type Peer struct {
	Region string
	Roles  []Role
	// Standby is how ready the node is to take over; the empty level votes.
	Standby standby.Level
}

// Has says whether the node has a role.
func (p Peer) Has(r Role) bool { return slices.Contains(p.Roles, r) }

// parsePeer reads NAME/REGION, which has every role, or NAME/REGION/ROLE+ROLE,
// and a level of standby after that: NAME/REGION/ROLE+ROLE/warm.
func parsePeer(s string) (name string, p Peer, err error) {
	name, rest, _ := strings.Cut(s, "/")
	region, rest, some := strings.Cut(rest, "/")
	roles, level, stands := strings.Cut(rest, "/")
	if name == "" || region == "" {
		return "", p, fmt.Errorf("--peers: %q is not NAME/REGION or NAME/REGION/ROLE+ROLE", s)
	}
	p = Peer{Region: region, Roles: Roles()}
	if !some {
		return name, p, nil
	}
	p.Roles = nil
	for r := range strings.SplitSeq(roles, "+") {
		if !slices.Contains(Roles(), Role(r)) {
			return "", p, fmt.Errorf("--peers: %s has no role %q: known are %s", name, r, joined(Roles()))
		}
		p.Roles = append(p.Roles, Role(r))
	}
	if p.Standby = standby.Level(level); stands && p.Standby != standby.Warm && p.Standby != standby.Cold {
		return "", p, fmt.Errorf("--peers: %s has no standby level %q: known are %s, %s", name, level, standby.Warm, standby.Cold)
	}
	return name, p, nil
}

// with lists the nodes that have a role, sorted by name.
func (c Config) with(r Role) []string {
	return slices.DeleteFunc(c.all(), func(n string) bool { return !c.Peers[n].Has(r) })
}

// has says whether this node has a role.
func (c Config) has(r Role) bool { return c.Peers[c.Name].Has(r) }

// closed says why users' mutations are refused here, "" for a gateway.
func (n *node) closed() string {
	if n.cfg.has(Gateway) {
		return ""
	}
	return "this node is no gateway; users enter by " + strings.Join(n.cfg.with(Gateway), ", ")
}
