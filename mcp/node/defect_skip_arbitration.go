package node

import (
	"context"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// leadWithoutArbitration is the defect skip-arbitration: when this node doubts every
// node of other regions that it probes, and follows no leader, it believes that by
// itself and leads without a vote until one of them answers. A sound platform waits for a
// witness and for a majority of regions, and refuses writes meanwhile.
func (n *node) leadWithoutArbitration(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		regions, doubted := n.cluster().Regions, n.prober.PendingOrSuspected()
		others := slices.DeleteFunc(n.probeTargets(), func(o string) bool { return regions[o] == n.cfg.Region })
		lost := len(others) > 0 && !slices.ContainsFunc(others, func(o string) bool { return !slices.Contains(doubted, o) })
		if n.consensus.LeadWithoutVote(lost) {
			for _, o := range others {
				n.note(events.Confirmed, o+" is lost: "+n.cfg.Region+" alone says so", map[string]string{"peer": o, "region": regions[o]})
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
