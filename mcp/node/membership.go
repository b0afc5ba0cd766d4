package node

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/membership"
	"github.com/mcp-resilience/holdfast/mcp/standby"
)

func (n *node) newKeeper() *membership.Keeper {
	return &membership.Keeper{
		Self: n.cfg.Name, Consensus: n.consensus, Note: n.note,
		Know: func(name string) (membership.About, bool) {
			p, ok := n.peer(name)
			return membership.About{Region: p.Region, Roles: words(p.Roles), Votes: p.Has(Control) && p.Standby == standby.Hot}, ok
		},
		Check: n.couldBe,
		Addr:  func(name string) string { return net.JoinHostPort(name, strconv.Itoa(RaftPort)) },
		Lost:  func() []string { return n.consensus.Committed().Standing().Lost },
		Progress: func(ctx context.Context, name string) (*api.ProgressReply, error) {
			conn, err := n.peers.To(name)
			if err != nil {
				return nil, err
			}
			return api.NewElectorateClient(conn).Progress(ctx, &api.ProgressRequest{})
		},
	}
}

// peer is what is known of a node: by --peers, or else by the registry, which
// knows of nodes that were added later.
func (n *node) peer(name string) (Peer, bool) {
	if p, ok := n.cfg.Peers[name]; ok {
		return p, true
	}
	r, ok := n.consensus.Committed().Registry()[name]
	p := Peer{Region: r.Region}
	for _, role := range r.Roles {
		p.Roles = append(p.Roles, Role(role))
	}
	return p, ok
}

// couldBe says what is wrong with a new node's region or roles.
func (n *node) couldBe(region string, roles []string) error {
	if _, ok := n.cfg.Weights[region]; !ok {
		return fmt.Errorf("there is no region %q", region)
	}
	for _, r := range roles {
		if !slices.Contains(Roles(), Role(r)) {
			return fmt.Errorf("there is no role %q: known are %s", r, joined(Roles()))
		}
	}
	return nil
}

func (n *node) electorate() *membership.Electorate {
	return &membership.Electorate{
		Keeper: n.keeper, Term: n.consensus.Term,
		Leader: func() string { leader, _ := n.consensus.Leader(); return leader },
	}
}

func words(roles []Role) []string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = string(r)
	}
	return out
}

func joined(rs []Role) string { return strings.Join(words(rs), ", ") }
