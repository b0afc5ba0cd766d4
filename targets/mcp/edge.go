package mcp

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/topology"
)

// newHome is a user's way to what its own region answers without a majority.
func newHome(c *cluster.Cluster, from topology.Region, who *client.Identity) (*client.LocalClient, error) {
	var own []string
	for _, n := range c.Topology.Nodes {
		if _, err := n.Port("dns"); err == nil && n.Region == from {
			own = append(own, address(n.ID, nodespec.APIPort))
		}
	}
	return client.NewLocalClient(api.DialFunc(c.Dialer(from)), who, own)
}

// edge carries out an operation at the user's own region.
func (u *user) edge(ctx context.Context, op history.Op) history.Op {
	if op.Kind != history.Read {
		return failed(op, fmt.Errorf("the edge knows no operation %q", op.Kind))
	}
	if key, ok := settingOf(op.Key); ok {
		r, err := u.home.Setting(ctx, key)
		return whatSetting(op, r, err)
	}
	if op.Key == history.LocalReadToken {
		token, err := u.Token(ctx)
		if err != nil {
			return failed(op, err)
		}
		name, err := u.home.Verify(ctx, token)
		if err != nil {
			return failed(op, err)
		}
		op.Outcome, op.Output = history.OK, name
		return op
	}
	r, err := u.home.Read(ctx, op.Key)
	return whatRead(op, r, err)
}
