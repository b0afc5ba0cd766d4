package docker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/mcp-resilience/holdfast/cluster"
)

var _ cluster.MemoryLimiter = (*process)(nil)

// LimitMemory implements cluster.MemoryLimiter. Swap is no way out: it counts too.
func (p *process) LimitMemory(ctx context.Context, bytes int64) error {
	if bytes == 0 {
		bytes = nodeMemory
	}
	limit := container.Resources{Memory: bytes, MemorySwap: bytes}
	if _, err := p.api.ContainerUpdate(ctx, p.id, client.ContainerUpdateOptions{Resources: &limit}); err != nil {
		return fmt.Errorf("limit %s to %d bytes of memory: %w", p.node, bytes, err)
	}
	return nil
}

// Memory implements cluster.MemoryLimiter.
func (p *process) Memory(ctx context.Context) (m cluster.Memory, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("memory of %s: %w", p.node, err)
		}
	}()
	is, err := p.api.ContainerInspect(ctx, p.id, client.ContainerInspectOptions{})
	if err != nil {
		return m, err
	}
	if is.Container.State == nil || is.Container.HostConfig == nil {
		return m, fmt.Errorf("the engine returned no state of it")
	}
	m.Limit, m.Usual = is.Container.HostConfig.Memory, nodeMemory
	if !is.Container.State.Running {
		return m, nil
	}
	got, err := p.api.ContainerStats(ctx, p.id, client.ContainerStatsOptions{})
	if err != nil {
		return m, err
	}
	defer got.Body.Close()
	var stats container.StatsResponse
	if err := json.NewDecoder(got.Body).Decode(&stats); err != nil {
		return m, err
	}
	m.Used, m.Refused = int64(stats.MemoryStats.Usage), int(stats.MemoryStats.Failcnt)
	return m, nil
}
