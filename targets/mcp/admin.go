package mcp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/topology"
)

// adminTimeout bounds one call to one node, which may be dead or cut off. A live node may
// have to wait for an election and for answers of others.
const adminTimeout = 4 * time.Second

// MembershipAdmin adds and removes nodes through the platform's own API.
func (Target) MembershipAdmin(c *cluster.Cluster) cluster.MembershipAdmin { return admin{c} }

type admin struct{ cluster *cluster.Cluster }

// Remove implements cluster.MembershipAdmin.
func (o admin) Remove(ctx context.Context, id topology.NodeID) error {
	return o.call(ctx, id, func(ctx context.Context, a api.AdminClient) error {
		_, err := a.Remove(ctx, &api.RemoveMember{Name: string(id)})
		return err
	})
}

// Add implements cluster.MembershipAdmin.
func (o admin) Add(ctx context.Context, id topology.NodeID) error {
	return o.call(ctx, id, func(ctx context.Context, a api.AdminClient) error {
		_, err := a.Add(ctx, &api.AddMember{Name: string(id)})
		return err
	})
}

// IsMember implements cluster.MembershipAdmin.
func (o admin) IsMember(ctx context.Context, id topology.NodeID) (is bool, err error) {
	n, ok := o.cluster.Topology.Node(id)
	if !ok {
		return false, fmt.Errorf("mcp membership: there is no node %s", id)
	}
	err = o.call(ctx, id, func(ctx context.Context, a api.AdminClient) error {
		m, err := a.Members(ctx, &api.MembershipRequest{})
		if err != nil {
			return err
		}
		if m.Stale {
			return errors.New("the node knows no leader")
		}
		is = slices.ContainsFunc(m.Members, func(m *api.Member) bool {
			return m.Name == string(id) && m.Reachable && m.CaughtUp && m.Voter == n.Voter
		})
		return nil
	})
	return is, err
}

// call tries one node after the other until one succeeds; the node that the call is about
// comes last. A refusal by the leader that another node would repeat ends it.
func (o admin) call(ctx context.Context, about topology.NodeID, do func(context.Context, api.AdminClient) error) error {
	var errs []error
	nodes := slices.Clone(o.cluster.Topology.Nodes)
	slices.SortStableFunc(nodes, func(a, b topology.Node) int { return boolToInt(a.ID == about) - boolToInt(b.ID == about) })
	for _, n := range nodes {
		err := o.callNode(ctx, n, do)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("through %s: %w", n.ID, err))
		if code := status.Code(err); ctx.Err() != nil || api.Refused(err) && code != codes.Unavailable {
			break
		}
	}
	return errors.Join(errs...)
}

func boolToInt(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (o admin) callNode(ctx context.Context, n topology.Node, do func(context.Context, api.AdminClient) error) error {
	who, err := client.NewOperatorIdentity(o.cluster.Secret, "operator")
	if err != nil {
		return err
	}
	d, err := client.NewNodeClient(address(n.ID, nodespec.APIPort), o.cluster.Dialer(n.Region), who)
	if err != nil {
		return err
	}
	defer d.Close()
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	return do(ctx, d.Admin())
}
