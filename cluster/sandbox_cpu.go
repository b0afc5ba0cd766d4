package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// CPUUsage is the processor time of a sandbox since it was started, its link proxy included.
type CPUUsage struct {
	Used   time.Duration // on processors
	Waited time.Duration // ready to run and without one, all threads taken together; 0 where the runtime cannot tell
}

// CPUMeter is a Sandbox that tells how much processor time it has used.
type CPUMeter interface {
	CPUUsage(ctx context.Context) (CPUUsage, error)
}

// SandboxCPU asks every sandbox at once for its processor time. One that cannot tell is left out.
func (c *Cluster) SandboxCPU(ctx context.Context) map[topology.NodeID]CPUUsage {
	var mu sync.Mutex
	var all sync.WaitGroup
	out := map[topology.NodeID]CPUUsage{}
	for id, s := range c.sandboxes {
		m, ok := s.(CPUMeter)
		if !ok {
			continue
		}
		all.Go(func() {
			u, err := m.CPUUsage(ctx)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out[id] = u
		})
	}
	all.Wait()
	return out
}
