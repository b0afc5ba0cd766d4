package node

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/gateway"
	"github.com/mcp-resilience/holdfast/mcp/primarybackup"
)

// openJournals opens a control node's copies of the journals.
func (n *node) openJournals() (_ stopFunc, err error) {
	if !n.cfg.has(nodespec.Control) {
		return nil, nil
	}
	n.journals, err = primarybackup.Open(primarybackup.Config{
		Self: n.cfg.Name, Cluster: n.cluster,
		Dir: filepath.Join(n.cfg.Data, "journals"), State: n.consensus.Committed(),
		Leads: n.consensus.Leads, Propose: n.consensus.Propose, Conn: n.peers.To, Emit: n.note,
		KnowsLeader: func() bool {
			leader, _ := n.consensus.Leader()
			return leader != ""
		},
		FailbackDelay: n.cfg.Profile.Arbiter.FailbackDelay,
		Defects:       primarybackup.Defects{LoseTail: n.cfg.defective(nodespec.LoseJournalTail)},
	})
	if err != nil {
		return nil, err
	}
	return n.journals.Close, nil
}

// stepDownJournals hands the classes of which this node is the primary to other nodes,
// before it stops.
func (n *node) stepDownJournals() {
	if n.journals == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	if err := n.journals.HandOver(ctx); err != nil {
		n.note(events.JournalDeposed, n.cfg.Name+" stops while it is a primary: "+err.Error(), nil)
	}
}

// ledger is the service that users call.
func (n *node) ledger() *gateway.KVServer {
	l := &gateway.KVServer{Gateway: n.gateway, Store: n.consensus, ReadOnlyReason: n.notGateway(), Defects: n.cfg.gatewayDefects(), JournalNodes: n.journalNodes}
	if n.journals != nil {
		l.Journals = n.journals
	}
	return l
}

// journalNodes returns the nodes with copies of the journals, those of this region first.
func (n *node) journalNodes() []string {
	c := n.cluster()
	out := slices.Clone(c.Control)
	slices.SortStableFunc(out, func(a, b string) int {
		return farFrom(c.Regions[a], n.cfg.Region) - farFrom(c.Regions[b], n.cfg.Region)
	})
	return out
}

func farFrom(region, from string) int {
	if region == from {
		return 0
	}
	return 1
}

// primaries returns the primary of each class, as far as this node knows.
func (n *node) primaries() map[string]string {
	out := map[string]string{}
	for _, c := range primarybackup.Classes() {
		out[strings.ToLower(c.String())] = n.consensus.Committed().Primary(c).Primary
	}
	return out
}

// serveJournals serves a control node's copies to the other nodes.
func (n *node) serveJournals() {
	if n.journals != nil {
		api.RegisterJournalsServer(n.api, n.journals)
	}
}
