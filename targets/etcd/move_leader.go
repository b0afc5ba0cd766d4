package etcd

import (
	"context"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// MoveLeader transfers leadership to a member, and returns when it leads. It does
// nothing when the member leads already.
func (t Target) MoveLeader(ctx context.Context, c *cluster.Cluster, id topology.NodeID) error {
	now, err := t.Resolve(ctx, c, topology.Leader)
	if err != nil || now[0] == id {
		return err
	}
	newLeader := memberStatuses(ctx, c)[id]
	if newLeader == nil {
		return fmt.Errorf("etcd: move leadership to %s: it does not answer", id)
	}
	n, _ := c.Topology.Node(now[0])
	m, err := dialMember(c, n.Region, n.ID)
	if err != nil {
		return err
	}
	defer m.conn.Close()
	if _, err := pb.NewMaintenanceClient(m.conn).MoveLeader(ctx, &pb.MoveLeaderRequest{TargetID: newLeader.Header.MemberId}); err != nil {
		return fmt.Errorf("etcd: move leadership from %s to %s: %w", n.ID, id, err)
	}
	return nil
}
