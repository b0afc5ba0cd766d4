package harness

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// ID names the session's run.
func (s *Session) ID() string { return s.id }

// Dir is the run's directory.
func (s *Session) Dir() string { return s.dir.Path }

// Topology is the declared system.
func (s *Session) Topology() topology.Topology { return s.system.topology }

// Cluster is the running system, for what the session has no method for. It is
// gone once the session has ended.
func (s *Session) Cluster() *cluster.Cluster { return s.system.cluster }

// Dialer returns a dial function for the caller's own clients in a region. It
// takes logical addresses such as "north-1:7400", and its connections are
// slowed and cut off as the region's are.
func (s *Session) Dialer(from topology.Region) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return s.system.cluster.Dialer(from)
}

// Leader is the node that leads now. It is an error while nobody leads.
func (s *Session) Leader(ctx context.Context) (topology.NodeID, error) {
	have, err := s.options.Target.Resolve(ctx, s.system.cluster, topology.Leader)
	if err != nil {
		return "", fmt.Errorf("who leads: %w", err)
	}
	if len(have) == 0 {
		return "", errors.New("nobody leads")
	}
	return have[0], nil
}

// Nodes is what each node's process is doing now: running, paused or exited.
func (s *Session) Nodes(ctx context.Context) (map[topology.NodeID]cluster.ProcessState, error) {
	out := map[topology.NodeID]cluster.ProcessState{}
	for _, n := range s.system.topology.Nodes {
		status, err := s.system.cluster.Process(n.ID).Status(ctx)
		if err != nil {
			return nil, fmt.Errorf("state of %s: %w", n.ID, err)
		}
		out[n.ID] = status.State
	}
	return out, nil
}

// Goodput is the share (0 to 1) of the load's operations that were good over the
// last second whose operations are all decided, of the clients in the given
// regions or in all. An operation is good when it was acknowledged within 1 s
// of when it was due. What was due before the latest injection or heal does not count, so that it says nothing of the time
// before: for about a second after one, and without load, it is 0.
func (s *Session) Goodput(regions ...topology.Region) float64 {
	return s.load.stats.goodput(s.log.now(), s.faults.latestChange(), regions)
}

// Acknowledged is how many writes of the load were acknowledged so far.
func (s *Session) Acknowledged() int { return s.load.stats.acknowledged() }
