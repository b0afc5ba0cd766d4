package faultstest

import (
	"context"
	"sync"

	"github.com/mcp-resilience/holdfast/topology"
)

// roster is the operator of testnodes, which know nothing of membership: it is a
// list of who is out.
type roster struct {
	mu  sync.Mutex
	out map[topology.NodeID]bool
}

func (r *roster) Remove(ctx context.Context, id topology.NodeID) error {
	return r.set(ctx, id, true)
}

func (r *roster) Add(ctx context.Context, id topology.NodeID) error {
	return r.set(ctx, id, false)
}

func (r *roster) set(ctx context.Context, id topology.NodeID, out bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	r.out[id] = out
	return nil
}

func (r *roster) IsMember(_ context.Context, id topology.NodeID) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.out[id], nil
}
