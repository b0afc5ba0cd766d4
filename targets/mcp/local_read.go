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

// newLocalClient makes the client for what a region answers by itself, without a majority.
func newLocalClient(c *cluster.Cluster, from topology.Region, who *client.Identity) (*client.LocalClient, error) {
	var own []string
	for _, n := range c.Topology.Nodes {
		if _, err := n.Port("dns"); err == nil && n.Region == from {
			own = append(own, address(n.ID, nodespec.APIPort))
		}
	}
	return client.NewLocalClient(api.DialFunc(c.Dialer(from)), who, own)
}

// localRead performs an operation that the user's own region answers by itself.
func (u *user) localRead(ctx context.Context, op history.Op) history.Op {
	if op.Kind != history.Read {
		return failed(op, fmt.Errorf("a region by itself has no operation %q", op.Kind))
	}
	if key, ok := settingOf(op.Key); ok {
		r, err := u.local.Setting(ctx, key)
		return resultOfSetting(op, r, err)
	}
	if op.Key == history.LocalReadToken {
		token, err := u.Token(ctx)
		if err != nil {
			return failed(op, err)
		}
		name, err := u.local.Verify(ctx, token)
		if err != nil {
			return failed(op, err)
		}
		op.Outcome, op.Output = history.OK, name
		return op
	}
	r, err := u.local.Read(ctx, op.Key)
	return resultOfRead(op, r, err)
}
