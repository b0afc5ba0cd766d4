package conformance

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/targets"
)

// testMetrics requires metrics of every node and traces of requests. A request that
// passes through two nodes must be one trace.
func (s *suite) testMetrics(t T) {
	target := s.target.(targets.MetricsSource)
	for _, n := range s.cluster.Topology.Nodes {
		s.await(t, "figures of "+string(n.ID), func(ctx context.Context) error {
			values, err := target.Metrics(ctx, s.cluster, n.ID)
			if err == nil && len(values) == 0 {
				err = errors.New("it has none")
			}
			return err
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	var joined atomic.Bool
	nodes := map[string]string{} // by trace: a node that took part
	done := make(chan struct{})
	go func() {
		defer close(done)
		target.Trace(ctx, s.cluster, func(began time.Time, span record.TraceSpan) {
			if began.IsZero() || span.Trace == "" || span.Name == "" {
				t.Errorf("span without a beginning, trace or name: %+v", span)
			}
			if other, known := nodes[span.Trace]; known && other != string(span.Node) {
				joined.Store(true)
			}
			nodes[span.Trace] = string(span.Node)
		})
	}()
	defer func() { cancel(); <-done }()
	region := s.cluster.Topology.RegionSpecs[1].Region // usually not the leader's
	client, err := s.target.Client(context.Background(), s.cluster, region, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	i := 0
	s.await(t, "trace through two nodes", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, opTimeout)
		defer cancel()
		i++
		client.Do(ctx, history.Op{Kind: history.Write, Key: "traced", Value: fmt.Sprint(i)})
		if !joined.Load() {
			return fmt.Errorf("none among the traces of %d writes", i)
		}
		return nil
	})
}
