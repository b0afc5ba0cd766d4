package telemetry

import (
	"strconv"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A node that has long been traced keeps its latest spans, all of them, in
// order, and not many more.
func TestLatestSpansAreKept(t *testing.T) {
	s := newSpans("east-1")
	const all = 5*keptSpans + 7
	for i := range all {
		s.end(t, strconv.Itoa(i))
		if n := len(s.kept); n > 2*keptSpans {
			t.Fatalf("after %d spans %d are kept", i+1, n)
		}
	}
	got, _ := s.after(0)
	if len(got) < keptSpans {
		t.Fatalf("%d spans are kept, want %d or more", len(got), keptSpans)
	}
	for i, span := range got {
		if want := all - len(got) + i; span.Name != strconv.Itoa(want) || span.Seq != uint64(want+1) {
			t.Fatalf("span %d of those kept is %s, number %d; want %d", i, span.Name, span.Seq, want)
		}
	}
}

// BenchmarkExport is what a finished span costs the call that it belongs to,
// on a node that has long been traced.
func BenchmarkExport(b *testing.B) {
	s := newSpans("east-1")
	for range 3 * keptSpans {
		s.end(b, "consensus.commit")
	}
	b.ReportAllocs()
	for b.Loop() {
		s.end(b, "consensus.commit")
	}
}

func (s *Spans) end(t testing.TB, name string) {
	t.Helper()
	if err := s.ExportSpans(t.Context(), []sdk.ReadOnlySpan{tracetest.SpanStub{Name: name}.Snapshot()}); err != nil {
		t.Fatal(err)
	}
}
