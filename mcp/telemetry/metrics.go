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

// Metrics is a node's figures.
type Metrics struct {
	registry *prometheus.Registry
	in       prometheus.Registerer // with the node's labels
	requests *prometheus.HistogramVec
	events   *prometheus.CounterVec
}

// Gauge adds a figure that is asked for when the metrics are.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.in.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// GaugeOf is Gauge for each value of a label.
func (m *Metrics) GaugeOf(name, help, label string, values func() map[string]float64) {
	m.in.MustRegister(&each{prometheus.NewDesc(name, help, []string{label}, nil), values})
}

// Event counts an entry of the diary.
func (m *Metrics) Event(kind string) { m.events.WithLabelValues(kind).Inc() }

// Handler serves the figures in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Unary times calls; it is a gRPC interceptor.
func (m *Metrics) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	began := time.Now()
	out, err := handle(ctx, req)
	m.requests.WithLabelValues(path.Base(info.FullMethod), status.Code(err).String()).Observe(time.Since(began).Seconds())
	return out, err
}

// each is a gauge with one label whose values are not known beforehand.
type each struct {
	desc   *prometheus.Desc
	values func() map[string]float64
}

func (e *each) Describe(c chan<- *prometheus.Desc) { c <- e.desc }

func (e *each) Collect(c chan<- prometheus.Metric) {
	for label, v := range e.values() {
		c <- prometheus.MustNewConstMetric(e.desc, prometheus.GaugeValue, v, label)
	}
}
