package faultstest

import (
	"context"
	"sync"

	"github.com/mcp-resilience/holdfast/topology"
)

// members is the membership of testnodes, which know nothing of it: a list of
// those that were removed.
type members struct {
	mu      sync.Mutex
	removed map[topology.NodeID]bool
}

func (m *members) Remove(ctx context.Context, id topology.NodeID) error {
	return m.set(ctx, id, true)
}

func (m *members) Add(ctx context.Context, id topology.NodeID) error {
	return m.set(ctx, id, false)
}

func (m *members) set(ctx context.Context, id topology.NodeID, removed bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	m.removed[id] = removed
	return nil
}

func (m *members) IsMember(_ context.Context, id topology.NodeID) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.removed[id], nil
}
