package harness

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// crashPollInterval is how often the nodes' states are read. A node that exits
// and is started again within it is not found to have exited.
const crashPollInterval = 250 * time.Millisecond

// crashMonitor records each node that exits by itself.
type crashMonitor struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func startCrashMonitor(ctx context.Context, c *cluster.Cluster, log *runLog) *crashMonitor {
	ctx, cancel := context.WithCancel(ctx)
	m := &crashMonitor{cancel: cancel}
	m.done.Go(func() {
		recorded := map[topology.NodeID]time.Time{} // start of the process whose exit is on record
		for sleep(ctx, crashPollInterval) == nil {
			for _, crash := range c.Crashed(ctx) {
				if started, known := recorded[crash.Node]; known && started.Equal(crash.Status.Started) {
					continue
				}
				recorded[crash.Node] = crash.Status.Started
				log.emit(crashEvent(crash))
			}
		}
	})
	return m
}

func crashEvent(c cluster.Crash) record.Event {
	e := record.Event{
		Source: record.FromEngine, Kind: record.EventCrashed, Node: c.Node,
		Description: fmt.Sprintf("exited by itself with status %d", c.Status.ExitCode),
	}
	if c.Status.OOMKilled {
		e.Kind, e.Description = record.EventOutOfMemory, "was killed for its memory"
	}
	return e
}

// stop ends the monitor. It may be called again.
func (m *crashMonitor) stop() {
	m.cancel()
	m.done.Wait()
}
