// Package telemetry is a node's monitoring: Prometheus metrics, OpenTelemetry traces, a
// health report to the leader every five seconds, and alerts that the leader raises to a
// log and to a webhook. No part of the platform acts on it.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/stats"
)

// Config configures a node's telemetry. All fields are required.
type Config struct {
	Node, Region string
	// Ratio is the share of requests that are traced, 0 to 1, where the caller has not decided.
	Ratio float64
}

// Telemetry is a process's metrics and traces. OpenTelemetry's tracing is global to a
// process, so a process opens it once.
type Telemetry struct {
	Metrics *Metrics
	Spans   *Spans
	traces  *sdk.TracerProvider
}

// Open sets up metrics and tracing. Finished spans are held in memory (Spans). They also go
// to a collector if OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT names
// one, as the OpenTelemetry specification has it.
func Open(ctx context.Context, c Config) (*Telemetry, error) {
	t := &Telemetry{Metrics: newMetrics(c), Spans: newSpans(c.Node)}
	options := []sdk.TracerProviderOption{
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(c.Ratio))),
		sdk.WithSyncer(t.Spans),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "mcpd"), attribute.String("service.instance.id", c.Node), attribute.String("cloud.region", c.Region),
		)),
	}
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" {
		collector, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, fmt.Errorf("open telemetry: %w", err)
		}
		options = append(options, sdk.WithBatcher(collector))
	}
	t.traces = sdk.NewTracerProvider(options...)
	otel.SetTracerProvider(t.traces)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return t, nil
}

// TracingHandler makes a gRPC server continue its callers' traces, or begin new ones. Health
// checks are not traced: there are many, and they are of little interest.
func TracingHandler() stats.Handler {
	return otelgrpc.NewServerHandler(otelgrpc.WithFilter(filters.Not(filters.HealthCheck())))
}

// Close exports the remaining spans and ends tracing.
func (t *Telemetry) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := t.traces.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("close telemetry: %w", err)
	}
	return nil
}

// newMetrics registers the metrics that do not depend on the node's parts.
func newMetrics(c Config) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.in = prometheus.WrapRegistererWith(prometheus.Labels{"node": c.Node, "region": c.Region}, m.registry)
	m.in.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "mcp_request_seconds", Help: "How long calls of the node's API took, by method and status.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"method", "code"})
	m.events = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "mcp_events_total", Help: "Entries of the node's event log, by kind.",
	}, []string{"kind"})
	m.in.MustRegister(m.requests, m.events)
	return m
}
