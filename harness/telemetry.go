package harness

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

const (
	// scrapeEach is how often a node is asked for its figures, scrapeLimit how
	// long it may take to answer. A node that does not leaves a gap.
	scrapeEach  = 2 * time.Second
	scrapeLimit = time.Second
)

// instrument writes down what the nodes measure and trace of themselves, until
// the returned stop is called. A target that can tell neither leaves no files.
func (r *run) instrument(ctx context.Context) (stop func() error, err error) {
	t, ok := r.o.Target.(targets.MetricsSource)
	if !ok {
		return func() error { return nil }, nil
	}
	metrics, err := r.dir.Lines(record.MetricsFile)
	if err != nil {
		return nil, err
	}
	traces, err := r.dir.Lines(record.TracesFile)
	if err != nil {
		return nil, errors.Join(err, metrics.Close())
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	for _, n := range r.plan.Topology.Nodes {
		all.Go(func() { r.scrape(ctx, t, n.ID, metrics) })
	}
	all.Go(func() {
		t.Trace(ctx, r.cluster, func(wall time.Time, s record.TraceSpan) {
			s.At = r.clock.At(wall)
			if err := traces.Write(s); err != nil {
				r.say("notice", "%v", err)
			}
		})
	})
	return func() error {
		cancel()
		all.Wait()
		return errors.Join(metrics.Close(), traces.Close())
	}, nil
}

func (r *run) scrape(ctx context.Context, t targets.MetricsSource, id topology.NodeID, into *record.Lines) {
	for {
		actx, cancel := context.WithTimeout(ctx, scrapeLimit)
		at := r.now()
		values, err := t.Metrics(actx, r.cluster, id)
		cancel()
		if err == nil {
			if err := errors.Join(into.Write(record.Sample{At: at, Node: id, Values: values}), into.Flush()); err != nil {
				r.say("notice", "%v", err)
			}
		}
		if sleep(ctx, scrapeEach) != nil {
			return
		}
	}
}
