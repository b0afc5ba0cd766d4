package etcd

import (
	"context"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// MoveLeader asks the present leader to hand over to a member, and returns when that
// one leads, which may be at once.
func (t Target) MoveLeader(ctx context.Context, c *cluster.Cluster, id topology.NodeID) error {
	now, err := t.Resolve(ctx, c, topology.Leader)
	if err != nil || now[0] == id {
		return err
	}
	heir := memberStatuses(ctx, c)[id]
	if heir == nil {
		return fmt.Errorf("etcd: %s is to lead and does not answer", id)
	}
	n, _ := c.Topology.Node(now[0])
	m, err := dialMember(c, n.Region, n.ID)
	if err != nil {
		return err
	}
	defer m.conn.Close()
	if _, err := pb.NewMaintenanceClient(m.conn).MoveLeader(ctx, &pb.MoveLeaderRequest{TargetID: heir.Header.MemberId}); err != nil {
		return fmt.Errorf("etcd: %s hands leadership to %s: %w", n.ID, id, err)
	}
	return nil
}
