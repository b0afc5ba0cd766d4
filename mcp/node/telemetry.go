package node

import (
	"context"
	"log/slog"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/primarybackup"
	"github.com/mcp-resilience/holdfast/mcp/telemetry"
)

// registerMetrics registers the metrics, and sets up reports and alerts.
func (n *node) registerMetrics(log *slog.Logger) {
	m, state := n.telemetry.Metrics, n.consensus.Committed()
	m.Gauge("mcp_consensus_term", "The latest term that the node has seen.", func() float64 { return float64(n.consensus.Term()) })
	m.Gauge("mcp_consensus_leads", "1 while the node leads.", func() float64 {
		_, leads := n.consensus.Leads()
		return boolToFloat(leads)
	})
	m.Gauge("mcp_consensus_applied", "The log index of the last entry in the node's state.", func() float64 {
		index, _ := state.Applied()
		return float64(index)
	})
	m.Gauge("mcp_suspects", "How many peers the node's prober suspects.", func() float64 { return float64(len(n.prober.Suspects())) })
	m.Gauge("mcp_lost", "How many nodes arbitration has declared lost.", func() float64 { return float64(len(state.HealthView().Lost)) })
	m.GaugeVec("mcp_region_weight", "The share of traffic that a region carries, in per cent.", "to", func() map[string]float64 {
		return toFloats(state.HealthView().Weights(n.cfg.Weights))
	})
	n.registerJournalMetrics(m)
	n.reports = &telemetry.Reports{}
	n.reporter = &telemetry.Reporter{
		Node: n.cfg.Name, Region: n.cfg.Region, Local: n.reports, Conn: n.peers.To, Suspects: n.prober.Suspects,
		Leader:  func() string { leader, _ := n.consensus.Leader(); return leader },
		Term:    n.consensus.Term,
		Applied: n.applied,
	}
	sinks := []telemetry.Sink{telemetry.LogSink(log), n.toEventLog}
	if n.cfg.AlertWebhook != "" {
		sinks = append(sinks, telemetry.WebhookSink(n.cfg.AlertWebhook))
	}
	n.alerts = &telemetry.Alerts{Node: n.cfg.Name, Leads: n.consensus.Leads, View: n.alertInput, Log: log, Sinks: n.defects.alertSinks(sinks)}
	m.GaugeVec("mcp_alerts_firing", "How many alerts hold, as the leader sees it.", "rule", n.alerts.Firing)
}

// registerJournalMetrics registers the metrics of a control node's copies of the journals.
func (n *node) registerJournalMetrics(m *telemetry.Metrics) {
	if n.journals == nil {
		return
	}
	show := func(name, help string, value func(primarybackup.Status) float64) {
		m.GaugeVec(name, help, "class", func() map[string]float64 {
			out := map[string]float64{}
			for class, s := range n.journals.Statuses() {
				out[class] = value(s)
			}
			return out
		})
	}
	show("mcp_journal_epoch", "The epoch of the primary that the node's copy agrees with.", func(s primarybackup.Status) float64 { return float64(s.Epoch) })
	show("mcp_journal_last", "The last record of the node's copy.", func(s primarybackup.Status) float64 { return float64(s.Last) })
	show("mcp_journal_synced", "The last record of the node's copy that is synced to disk.", func(s primarybackup.Status) float64 { return float64(s.Synced) })
	show("mcp_journal_primary", "1 while the node is the primary.", func(s primarybackup.Status) float64 { return boolToFloat(s.Primary) })
	show("mcp_journal_committed", "The last record that the primary has acknowledged; 0 on other nodes.", func(s primarybackup.Status) float64 { return float64(s.Commit) })
	show("mcp_journal_replicas", "How many copies are connected to the primary; 0 on other nodes.", func(s primarybackup.Status) float64 { return float64(s.Replicas) })
}

// alertInput is what the alert rules are evaluated on.
func (n *node) alertInput() telemetry.ClusterView {
	standing := n.consensus.Committed().HealthView()
	p := telemetry.ClusterView{Nodes: n.cluster().Regions, Suspects: standing.Suspects, Lost: standing.Lost, Reports: n.reports.Latest()}
	p.Applied, _ = n.consensus.Committed().Applied()
	return p
}

// toEventLog is the alert sink that writes to the node's event log.
func (n *node) toEventLog(_ context.Context, a telemetry.Alert) error {
	kind, description := events.Alert, a.Description
	if a.Resolved {
		kind, description = events.AlertResolved, a.Rule+" of "+a.Subject+" is over"
	}
	n.note(kind, description, map[string]string{"rule": a.Rule, "about": a.Subject})
	return nil
}

func toFloats(in map[string]int) map[string]float64 {
	out := make(map[string]float64, len(in))
	for k, v := range in {
		out[k] = float64(v)
	}
	return out
}

// boolToFloat is 1 for true and 0 for false.
func boolToFloat(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
