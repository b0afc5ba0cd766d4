package harness

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// crashPollInterval is how often the nodes' states are read. A node that exits
// and is started again within it is not found to have exited.
const crashPollInterval = 250 * time.Millisecond

// sandboxPollInterval is how often the sandboxes and link proxies are looked after.
const sandboxPollInterval = time.Second

// crashMonitor records each node that exits by itself, and each sandbox or link
// proxy that fails, with what became of it.
type crashMonitor struct {
	cluster *cluster.Cluster
	log     *runLog
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

func startCrashMonitor(ctx context.Context, c *cluster.Cluster, log *runLog) *crashMonitor {
	ctx, cancel := context.WithCancel(ctx)
	m := &crashMonitor{cluster: c, log: log, cancel: cancel}
	m.done.Go(func() { m.watchNodes(ctx) })
	m.done.Go(func() { m.watchSandboxes(ctx) })
	return m
}

func (m *crashMonitor) watchNodes(ctx context.Context) {
	recorded := map[topology.NodeID]time.Time{} // start of the process whose exit is on record
	for sleep(ctx, crashPollInterval) == nil {
		for _, crash := range m.cluster.Crashed(ctx) {
			if started, known := recorded[crash.Node]; known && started.Equal(crash.Status.Started) {
				continue
			}
			recorded[crash.Node] = crash.Status.Started
			m.log.emit(crashEvent(crash))
		}
	}
}

func (m *crashMonitor) watchSandboxes(ctx context.Context) {
	recorded, stalls, recoveries := 0, 0, 0
	for sleep(ctx, sandboxPollInterval) == nil {
		failures := m.cluster.SandboxFailures(ctx)
		for _, f := range failures[recorded:] {
			m.log.emit(record.Event{
				At: m.log.clock.At(f.Found), Source: record.FromEngine, Kind: record.EventSandboxFailed, Node: f.Node, Description: f.String(),
			})
		}
		recorded = len(failures)
		became := m.cluster.SandboxRecoveries()
		for _, r := range became[recoveries:] {
			e := record.Event{At: m.log.clock.At(r.At), Source: record.FromEngine, Kind: record.EventSandboxRestored, Node: r.Node, Description: r.String()}
			if r.Err != nil {
				e.Kind = record.EventSandboxLost
			}
			m.log.emit(e)
		}
		recoveries = len(became)
		all := m.cluster.SandboxStalls()
		for _, s := range all[stalls:] {
			length := s.To.Sub(s.From).Round(time.Millisecond)
			m.log.emit(record.Event{
				At: m.log.clock.At(s.To), Source: record.FromEngine, Kind: record.EventSandboxStalled, Node: s.Node,
				Description: fmt.Sprintf("the link proxy of %s stood still for up to %s", s.Node, duration.Format(length)),
				Fields:      map[string]string{record.FieldFor: length.String()},
			})
		}
		stalls = len(all)
	}
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
