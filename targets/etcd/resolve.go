package etcd

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// statusTimeout bounds the status request to a member, which may be dead or cut off.
const statusTimeout = 500 * time.Millisecond

// Resolve requests the status of every member at the same time. The leader is the
// member that reports itself as the leader of the highest term and that a majority
// reports as leader too. The followers are the others that answer.
func (Target) Resolve(ctx context.Context, c *cluster.Cluster, r topology.Role) ([]topology.NodeID, error) {
	if r != topology.Leader && r != topology.Follower {
		return nil, fmt.Errorf("etcd has no role %q: known are %s, %s", r, topology.Leader, topology.Follower)
	}
	statuses := memberStatuses(ctx, c)
	leader, err := findLeader(len(c.Topology.Nodes), statuses)
	if err != nil {
		return nil, err
	}
	if r == topology.Leader {
		return []topology.NodeID{leader}, nil
	}
	var followers []topology.NodeID
	for _, n := range c.Topology.Nodes {
		if statuses[n.ID] != nil && n.ID != leader {
			followers = append(followers, n.ID)
		}
	}
	if len(followers) == 0 {
		return nil, errors.New("etcd: no follower answers")
	}
	return followers, nil
}

// findLeader finds the leader in the statuses of the members.
func findLeader(members int, statuses map[topology.NodeID]*pb.StatusResponse) (topology.NodeID, error) {
	var leader topology.NodeID
	for id, s := range statuses {
		if s.Leader == s.Header.MemberId && (leader == "" || s.RaftTerm > statuses[leader].RaftTerm) {
			leader = id
		}
	}
	if leader == "" {
		return "", fmt.Errorf("etcd: no member reports that it leads (%d of %d answered)", len(statuses), members)
	}
	follow := 0
	for _, s := range statuses {
		if s.Leader == statuses[leader].Header.MemberId {
			follow++
		}
	}
	if 2*follow <= members {
		return "", fmt.Errorf("etcd: %s reports that it leads in term %d, but only %d of %d members follow it",
			leader, statuses[leader].RaftTerm, follow, members)
	}
	return leader, nil
}

// memberStatuses returns the status of every member that answers.
func memberStatuses(ctx context.Context, c *cluster.Cluster) map[topology.NodeID]*pb.StatusResponse {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	statuses := map[topology.NodeID]*pb.StatusResponse{}
	for _, n := range c.Topology.Nodes {
		all.Go(func() {
			m, err := dialMember(c, n.Region, n.ID)
			if err != nil {
				return
			}
			defer m.conn.Close()
			s, err := pb.NewMaintenanceClient(m.conn).Status(ctx, &pb.StatusRequest{})
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[n.ID] = s
		})
	}
	all.Wait()
	return statuses
}
