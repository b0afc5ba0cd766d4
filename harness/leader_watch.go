package harness

import (
	"context"
	"time"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// How often a system that reports no events is asked who leads, and how long it may take
// to answer.
const (
	leaderInterval = 100 * time.Millisecond
	leaderTimeout  = 2 * time.Second
)

// watchLeader asks a system that reports no events who leads, and records each new
// leader when it is first seen. A leader that is gone and returns is no election. Nothing
// is recorded of a target that cannot say who leads.
func (s *system) watchLeader(ctx context.Context) {
	if _, reports := s.target.(targets.EventSource); reports {
		return
	}
	s.inBackground(ctx, "answer to who leads", func(ctx context.Context) {
		var last topology.NodeID
		for {
			asked, cancel := context.WithTimeout(ctx, leaderTimeout)
			have, err := s.target.Resolve(asked, s.cluster, topology.Leader)
			cancel()
			if err == nil && len(have) == 1 && have[0] != last && ctx.Err() == nil {
				last = have[0]
				s.log.emit(record.Event{
					Source: record.FromProbe, Kind: record.EventElected, Node: last,
					Description: "found by asking the nodes, every " + leaderInterval.String(),
				})
			}
			if sleep(ctx, leaderInterval) != nil {
				return
			}
		}
	})
}
