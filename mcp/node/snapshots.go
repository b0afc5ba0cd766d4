package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/consensus"
	"github.com/mcp-resilience/holdfast/mcp/snapshots"
)

// startSnapshots prepares the storing of snapshots while this node leads. It does nothing
// without an object store.
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

// restoreEmpty fills an empty folder from the object store, if there is a snapshot. It does
// not ask whether other nodes have a newer state. A snapshot holds only what was committed,
// so starting from it is always safe, and consensus brings what is newer. Starting empty
// because another node has been restored already would not be safe: two empty nodes
// could outvote that one.
func (n *node) restoreEmpty(ctx context.Context, log *slog.Logger) error {
	empty, err := consensus.Empty(filepath.Join(n.cfg.Data, "raft"))
	if err != nil || !empty {
		return err
	}
	if err := n.restore(ctx, log); !errors.Is(err, snapshots.ErrNoSnapshot) {
		return err
	}
	return nil
}

func (n *node) restore(ctx context.Context, log *slog.Logger) error {
	store, err := snapshots.Open(ctx, n.cfg.Snapshots)
	if err != nil {
		return err
	}
	defer store.Close()
	i, state, skipped, err := store.Latest(ctx)
	for _, s := range skipped {
		log.Error("skipping a snapshot that cannot be used", "error", s)
	}
	if err != nil {
		return err
	}
	if err := consensus.Restore(n.consensusConfig(nil), i.Index, i.Term, state); err != nil {
		return err
	}
	n.note(events.Restored, fmt.Sprintf("%s restored the state of %s from the object store", n.cfg.Name, i.Taken.Format("15:04:05.000")), map[string]string{
		"index": fmt.Sprint(i.Index), "taken": i.Taken.Format("2006-01-02T15:04:05.000Z07:00"),
	})
	return nil
}

// checkTakeoverData returns an error if a cold node could not restore a snapshot now.
func (n *node) checkTakeoverData(ctx context.Context) error {
	if n.cfg.Peers[n.cfg.Name].Standby != nodespec.Cold {
		return nil
	}
	store, err := snapshots.Open(ctx, n.cfg.Snapshots)
	if err != nil {
		return err
	}
	defer store.Close()
	_, _, _, err = store.Latest(ctx)
	return err
}
