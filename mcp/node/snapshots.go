package node

import (
	"context"
	"log/slog"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/snapshots"
)

// startSnapshots makes the node store snapshots while it leads; stop ends the use of
// the object store. Without a store there is nothing to do.
func (n *node) startSnapshots(ctx context.Context, log *slog.Logger) (_ stopFunc, err error) {
	if n.cfg.Snapshots == "" {
		return func() error { return nil }, nil
	}
	store, err := snapshots.Open(ctx, n.cfg.Snapshots)
	if err != nil {
		return nil, err
	}
	n.snapshots = &snapshots.Schedule{Store: store, Interval: n.cfg.SnapshotEvery, Log: log, Take: n.takeSnapshot, Leads: func() bool {
		_, leads := n.consensus.Leads()
		return n.defects.storeSnapshots(leads)
	}}
	n.telemetry.Metrics.Gauge("mcp_snapshot_index", "The log index of the last snapshot that this node stored in the object store.", func() float64 {
		return float64(n.snapshots.LastIndex())
	})
	return store.Close, nil
}

func (n *node) takeSnapshot() (snapshots.Info, []byte, error) {
	index, term, state, err := n.consensus.Export()
	return snapshots.Info{Generation: n.epoch.Number, Index: index, Term: term, Taken: time.Now(), By: n.cfg.Name}, state, err
}
