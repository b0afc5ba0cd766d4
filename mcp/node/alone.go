package node

import (
	"context"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/events"
)

// decideAlone is the defect skip-arbitration: when this node doubts every control
// node of every other region and follows no leader, it takes its own word for it and
// leads by itself, until one of them answers. A sound platform waits for a witness
// and for a majority of regions, and refuses writes meanwhile.
func (n *node) decideAlone(ctx context.Context) {
	others := slices.DeleteFunc(n.cfg.with(Control), func(o string) bool { return n.cfg.Peers[o].Region == n.cfg.Region })
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		doubted := n.prober.Doubted()
		lost := !slices.ContainsFunc(others, func(o string) bool { return !slices.Contains(doubted, o) })
		if n.consensus.StandAlone(lost) {
			for _, o := range others {
				n.note(events.Confirmed, o+" is lost: "+n.cfg.Region+" alone says so", map[string]string{"peer": o, "region": n.cfg.Peers[o].Region})
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
