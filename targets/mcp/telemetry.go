package mcp

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Metrics reads a node's metrics. Of a histogram it returns sum and count.
func (Target) Metrics(ctx context.Context, c *cluster.Cluster, id topology.NodeID) (map[string]float64, error) {
	n, ok := c.Topology.Node(id)
	if !ok {
		return nil, fmt.Errorf("mcp metrics: no node %s", id)
	}
	r, err := get(ctx, c, n, "/metrics")
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r.Body)
	if err != nil {
		return nil, fmt.Errorf("metrics of %s: %w", id, err)
	}
	out := map[string]float64{}
	for name, family := range families {
		for _, m := range family.Metric {
			labels := labelsOf(m)
			switch {
			case m.Counter != nil:
				out[name+labels] = m.Counter.GetValue()
			case m.Gauge != nil:
				out[name+labels] = m.Gauge.GetValue()
			case m.Untyped != nil:
				out[name+labels] = m.Untyped.GetValue()
			case m.Histogram != nil:
				out[name+"_sum"+labels] = m.Histogram.GetSampleSum()
				out[name+"_count"+labels] = float64(m.Histogram.GetSampleCount())
			case m.Summary != nil:
				out[name+"_sum"+labels] = m.Summary.GetSampleSum()
				out[name+"_count"+labels] = float64(m.Summary.GetSampleCount())
			}
		}
	}
	return out, nil
}

// labelsOf formats the labels of a series as Prometheus does, without the node's name and
// region, which the sample already has.
func labelsOf(m *dto.Metric) string {
	labels := map[string]string{}
	for _, l := range m.Label {
		if l.GetName() != "node" && l.GetName() != "region" {
			labels[l.GetName()] = l.GetValue()
		}
	}
	if len(labels) == 0 {
		return ""
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, fmt.Sprintf("%s=%q", name, labels[name]))
	}
	return "{" + strings.Join(out, ",") + "}"
}

// Trace streams the finished spans of all nodes. Calls of emit do not overlap.
func (Target) Trace(ctx context.Context, c *cluster.Cluster, emit func(wall time.Time, s record.TraceSpan)) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, n := range c.Topology.Nodes {
		all.Go(func() {
			seen := map[string]bool{} // span ids, because a node repeats the spans that it keeps on each connection
			for ctx.Err() == nil {
				readJSONLines(ctx, c, n, "/traces", func(s api.Span) {
					if seen[s.ID] {
						return
					}
					seen[s.ID] = true
					mu.Lock()
					defer mu.Unlock()
					emit(s.Start, record.TraceSpan{
						Node: n.ID, Trace: s.Trace, ID: s.ID, Parent: s.Parent, Name: s.Name,
						Duration: s.Duration, Error: s.Error, Attributes: s.Attributes,
					})
				})
				select {
				case <-time.After(reconnectDelay):
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
}
