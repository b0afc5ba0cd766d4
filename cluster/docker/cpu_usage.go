package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/internal/cputime"
)

// CPUUsage implements cluster.CPUMeter. Where the engine's processes are this machine's, /proc tells more and costs
// the engine nothing; elsewhere, such as with Docker Desktop, the engine is asked.
func (s *sandbox) CPUUsage(ctx context.Context) (cluster.CPUUsage, error) {
	s.mu.Lock()
	pid := s.pid
	s.mu.Unlock()
	if s.isOurs(pid) {
		u, err := cputime.OfTree(pid)
		return cluster.CPUUsage(u), err
	}
	got, err := s.api.ContainerStats(ctx, s.id, client.ContainerStatsOptions{})
	if err != nil {
		return cluster.CPUUsage{}, fmt.Errorf("processor time of the sandbox of %s: %w", s.node, err)
	}
	defer got.Body.Close()
	var stats container.StatsResponse
	if err := json.NewDecoder(got.Body).Decode(&stats); err != nil {
		return cluster.CPUUsage{}, fmt.Errorf("processor time of the sandbox of %s: %w", s.node, err)
	}
	return cluster.CPUUsage{Used: time.Duration(stats.CPUStats.CPUUsage.TotalUsage)}, nil
}

// isOurs says that a process of this machine is the sandbox's: its control group has the container's name.
func (s *sandbox) isOurs(pid int) bool {
	if pid <= 0 {
		return false
	}
	group, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	return err == nil && strings.Contains(string(group), s.id)
}
