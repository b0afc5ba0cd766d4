package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/tailbuffer"
)

const (
	// spanCapacity is how many finished spans a node holds at least.
	spanCapacity = 4096
	// shutdownTimeout is how long a stopping node waits for its collector.
	shutdownTimeout = time.Second
)

// Spans holds a node's latest finished spans and streams them over HTTP. It is an exporter
// of the OpenTelemetry SDK.
type Spans struct {
	*tailbuffer.Buffer[api.Span]
	node string
}

func newSpans(node string) *Spans { return &Spans{tailbuffer.New[api.Span](spanCapacity), node} }

// ExportSpans implements the SDK's exporter.
func (s *Spans) ExportSpans(_ context.Context, done []sdk.ReadOnlySpan) error {
	for _, d := range done {
		s.Append(func(seq uint64) api.Span { return s.span(seq, d) })
	}
	return nil
}

func (s *Spans) span(seq uint64, d sdk.ReadOnlySpan) api.Span {
	span := api.Span{
		Seq: seq, Trace: d.SpanContext().TraceID().String(), ID: d.SpanContext().SpanID().String(),
		Node: s.node, Name: d.Name(), Start: d.StartTime(), Duration: d.EndTime().Sub(d.StartTime()),
	}
	if d.Parent().IsValid() {
		span.Parent = d.Parent().SpanID().String()
	}
	if st := d.Status(); st.Code == codes.Error {
		span.Error = st.Description
	}
	for _, a := range d.Attributes() {
		if span.Attributes == nil {
			span.Attributes = map[string]string{}
		}
		span.Attributes[string(a.Key)] = a.Value.String()
	}
	return span
}

// Shutdown implements the SDK's exporter.
func (s *Spans) Shutdown(context.Context) error { return nil }
