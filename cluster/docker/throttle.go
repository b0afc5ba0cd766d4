package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/mcp-resilience/holdfast/cluster"
)

var _ cluster.Throttler = (*process)(nil)

// cpuPeriod is the time in which a container may use its quota, the kernel's
// default; cpuFree is the quota of one without a limit, as confine makes them
// (to an engine 0 would mean "as it was").
const (
	cpuPeriod = 100 * time.Millisecond
	cpuFree   = -1
)

// Throttle implements cluster.Throttler.
func (p *process) Throttle(ctx context.Context, cpus float64) error {
	limit := container.Resources{CPUPeriod: cpuPeriod.Microseconds(), CPUQuota: cpuFree}
	if cpus > 0 {
		limit.CPUQuota = int64(cpus * float64(limit.CPUPeriod))
	}
	if _, err := p.api.ContainerUpdate(ctx, p.id, client.ContainerUpdateOptions{Resources: &limit}); err != nil {
		return fmt.Errorf("limit %s to %v CPUs: %w", p.node, cpus, err)
	}
	return nil
}

// CPU implements cluster.Throttler.
func (p *process) CPU(ctx context.Context) (c cluster.CPU, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("use of CPU by %s: %w", p.node, err)
		}
	}()
	is, err := p.api.ContainerInspect(ctx, p.id, client.ContainerInspectOptions{})
	if err != nil {
		return c, err
	}
	if is.Container.State == nil || !is.Container.State.Running || is.Container.HostConfig == nil {
		return c, fmt.Errorf("it is not running")
	}
	got, err := p.api.ContainerStats(ctx, p.id, client.ContainerStatsOptions{})
	if err != nil {
		return c, err
	}
	defer got.Body.Close()
	var stats container.StatsResponse
	if err := json.NewDecoder(got.Body).Decode(&stats); err != nil {
		return c, err
	}
	c.Used = time.Duration(stats.CPUStats.CPUUsage.TotalUsage)
	c.Stopped = int(stats.CPUStats.ThrottlingData.ThrottledPeriods)
	if h := is.Container.HostConfig; h.CPUQuota > 0 && h.CPUPeriod > 0 {
		c.Limit, c.How = float64(h.CPUQuota)/float64(h.CPUPeriod), "the engine"
	}
	return c, nil
}
