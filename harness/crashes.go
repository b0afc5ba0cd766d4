package harness

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// lookEach is how often the nodes are looked after. A node that exits and is
// started again within it is not seen to have exited.
const lookEach = 250 * time.Millisecond

// lookAfter tells of each node that exits by itself, until the returned stop
// is called. Stop may be called again.
func (r *run) lookAfter(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		told := map[topology.NodeID]time.Time{} // the life whose end was told
		for sleep(ctx, lookEach) == nil {
			for _, c := range r.cluster.Crashed(ctx) {
				if life, known := told[c.Node]; known && life.Equal(c.Status.Started) {
					continue
				}
				told[c.Node] = c.Status.Started
				e := record.Event{Source: record.FromEngine, Kind: record.EventCrashed, Node: c.Node, Description: fmt.Sprintf("exited by itself with status %d", c.Status.ExitCode)}
				if c.Status.OOMKilled {
					e.Kind, e.Description = record.EventOutOfMemory, "was killed for its memory"
				}
				r.emit(e)
			}
		}
	})
	return func() { cancel(); done.Wait() }
}
