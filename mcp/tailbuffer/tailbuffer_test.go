package tailbuffer_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/tailbuffer"
)

// After many items the buffer holds the latest ones without a gap, in order, and fewer
// than twice its capacity.
func TestTheLatestItemsAreHeld(t *testing.T) {
	const keep, all = 16, 5*16 + 7
	l := tailbuffer.New[uint64](keep)
	for range all {
		l.Append(func(seq uint64) uint64 { return seq })
	}
	for _, seen := range []uint64{0, all - 3, all, all + 5} {
		items, last, _ := l.After(seen)
		if last != all {
			t.Errorf("the last item has number %d, want %d", last, all)
		}
		if seen == 0 && (len(items) < keep || len(items) > 2*keep) {
			t.Errorf("%d items are held, want %d to %d", len(items), keep, 2*keep)
		}
		var want []uint64
		for i := max(min(seen, all), all-uint64(len(items))); i < all; i++ {
			want = append(want, i+1)
		}
		if diff := cmp.Diff(want, items); diff != "" {
			t.Errorf("after %d (-want +got):\n%s", seen, diff)
		}
	}
}

// A reader gets what the buffer holds, then what is appended, up to the end.
func TestStream(t *testing.T) {
	l := tailbuffer.New[string](8)
	add := func(s string) { l.Append(func(uint64) string { return s }) }
	done := make(chan struct{})
	srv := httptest.NewServer(l.Stream(done))
	defer srv.Close()
	add("before")
	r, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	lines := json.NewDecoder(r.Body)
	for _, want := range []string{"before", "meanwhile", "at last"} {
		var got string
		if want != "before" {
			add(want)
		}
		if want == "at last" {
			close(done)
		}
		if err := lines.Decode(&got); err != nil || got != want {
			t.Fatalf("read %q, %v; want %q", got, err, want)
		}
	}
	if lines.More() {
		t.Error("there is more after the end")
	}
}

// BenchmarkAppend measures an Append to a full buffer.
func BenchmarkAppend(b *testing.B) {
	l := tailbuffer.New[uint64](4096)
	b.ReportAllocs()
	for b.Loop() {
		l.Append(func(seq uint64) uint64 { return seq })
	}
}
