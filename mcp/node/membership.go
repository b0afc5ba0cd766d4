package node

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/membership"
)

func (n *node) newMembership() *membership.Manager {
	return &membership.Manager{
		Self: n.cfg.Name, Consensus: n.consensus, Note: n.note,
		Lookup: func(name string) (membership.NodeInfo, bool) {
			p, ok := n.peer(name)
			return membership.NodeInfo{Region: p.Region, Roles: roleNames(p.Roles), Votes: p.Has(nodespec.Control) && p.Standby == nodespec.Hot}, ok
		},
		Validate: n.validateNode,
		Addr:     func(name string) string { return net.JoinHostPort(name, strconv.Itoa(nodespec.RaftPort)) },
		Lost:     func() []string { return n.consensus.Committed().HealthView().Lost },
		Progress: func(ctx context.Context, name string) (*api.ProgressReply, error) {
			conn, err := n.peers.To(name)
			if err != nil {
				return nil, err
			}
			return api.NewReconfigurationClient(conn).Progress(ctx, &api.ProgressRequest{})
		},
	}
}

// peer returns what is known of a node: from --peers, or else from the registry, which has
// the nodes that were added later.
func (n *node) peer(name string) (Peer, bool) {
	if p, ok := n.cfg.Peers[name]; ok {
		return p, true
	}
	r, ok := n.consensus.Committed().Registry()[name]
	p := Peer{Region: r.Region}
	for _, role := range r.Roles {
		p.Roles = append(p.Roles, nodespec.Role(role))
	}
	return p, ok
}

// validateNode returns an error if a new node's region or roles do not exist.
func (n *node) validateNode(region string, roles []string) error {
	if _, ok := n.cfg.Weights[region]; !ok {
		return fmt.Errorf("there is no region %q", region)
	}
	for _, r := range roles {
		if !slices.Contains(nodespec.Roles(), nodespec.Role(r)) {
			return fmt.Errorf("there is no role %q: known are %s", r, joinRoles(nodespec.Roles()))
		}
	}
	return nil
}

func (n *node) reconfiguration() *membership.Reconfiguration {
	return &membership.Reconfiguration{
		Manager: n.membership, Term: n.consensus.Term,
		Leader: func() string { leader, _ := n.consensus.Leader(); return leader },
	}
}

func roleNames(roles []nodespec.Role) []string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = string(r)
	}
	return out
}

func joinRoles(rs []nodespec.Role) string { return strings.Join(roleNames(rs), ", ") }
