package telemetry

import (
	"context"
	"net/http"
	"path"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// Metrics are a node's Prometheus metrics.
type Metrics struct {
	registry *prometheus.Registry
	in       prometheus.Registerer // with the node's labels
	requests *prometheus.HistogramVec
	events   *prometheus.CounterVec
}

// Gauge adds a gauge whose value is computed at each scrape.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.in.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// GaugeVec is Gauge with a label. values returns a value for each value of the label.
func (m *Metrics) GaugeVec(name, help, label string, values func() map[string]float64) {
	m.in.MustRegister(&labelledGauge{prometheus.NewDesc(name, help, []string{label}, nil), values})
}

// Event counts an entry of the event log.
func (m *Metrics) Event(kind string) { m.events.WithLabelValues(kind).Inc() }

// Handler serves the metrics in Prometheus's text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Unary is the gRPC interceptor that measures the duration of calls.
func (m *Metrics) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	began := time.Now()
	out, err := handle(ctx, req)
	m.requests.WithLabelValues(path.Base(info.FullMethod), status.Code(err).String()).Observe(time.Since(began).Seconds())
	return out, err
}

// labelledGauge is a gauge with one label, whose values are not known in advance.
type labelledGauge struct {
	desc   *prometheus.Desc
	values func() map[string]float64
}

func (e *labelledGauge) Describe(c chan<- *prometheus.Desc) { c <- e.desc }

func (e *labelledGauge) Collect(c chan<- prometheus.Metric) {
	for label, v := range e.values() {
		c <- prometheus.MustNewConstMetric(e.desc, prometheus.GaugeValue, v, label)
	}
}
