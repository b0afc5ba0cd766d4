package telemetry

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// keptSpans is how many finished spans a node keeps at least; older ones are
	// forgotten, at the latest when there are twice as many.
	keptSpans = 4096
	// closeLimit is how long a node that stops waits for its collector.
	closeLimit = time.Second
)

// Span is one finished part of a request.
type Span struct {
	Seq        uint64            `json:"seq"` // 1, 2, … within the node's life
	Trace      string            `json:"trace"`
	ID         string            `json:"id"`
	Parent     string            `json:"parent,omitempty"`
	Node       string            `json:"node"`
	Name       string            `json:"name"`
	Start      time.Time         `json:"start"`
	Duration   time.Duration     `json:"duration"` // nanoseconds
	Error      string            `json:"error,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Spans keeps a node's latest finished spans and tells them to whoever asks. It
// is an exporter of the OpenTelemetry SDK.
type Spans struct {
	node string

	mu     sync.Mutex
	seq    uint64
	kept   []Span
	change chan struct{} // closed and replaced when there are more
}

func newSpans(node string) *Spans {
	return &Spans{node: node, change: make(chan struct{})}
}

// ExportSpans implements the SDK's exporter.
func (s *Spans) ExportSpans(_ context.Context, done []sdk.ReadOnlySpan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range done {
		s.seq++
		span := Span{
			Seq: s.seq, Trace: d.SpanContext().TraceID().String(), ID: d.SpanContext().SpanID().String(),
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
			span.Attributes[string(a.Key)] = a.Value.Emit()
		}
		s.kept = append(s.kept, span)
	}
	// Only now and then, for a call waits for it: it copies all that are kept.
	if len(s.kept) >= 2*keptSpans {
		s.kept = append(make([]Span, 0, 2*keptSpans), s.kept[len(s.kept)-keptSpans:]...)
	}
	close(s.change)
	s.change = make(chan struct{})
	return nil
}

// Shutdown implements the SDK's exporter.
func (s *Spans) Shutdown(context.Context) error { return nil }

// after returns the spans that follow seq, and a channel that is closed when there are more.
func (s *Spans) after(seq uint64) ([]Span, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := len(s.kept)
	for i > 0 && s.kept[i-1].Seq > seq {
		i--
	}
	return append([]Span(nil), s.kept[i:]...), s.change
}

// Serve streams the spans as newline-delimited JSON: those that are kept, then
// each as it ends, until the reader goes or done is closed.
func (s *Spans) Serve(done <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		flush, enc := http.NewResponseController(w), json.NewEncoder(w)
		var seen uint64
		for {
			news, more := s.after(seen)
			for _, span := range news {
				if enc.Encode(span) != nil {
					return
				}
				seen = span.Seq
			}
			if flush.Flush() != nil {
				return
			}
			select {
			case <-more:
			case <-done:
				return
			case <-r.Context().Done():
				return
			}
		}
	}
}
