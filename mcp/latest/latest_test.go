package latest_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/latest"
)

// A list that has long grown keeps its latest items, all of them, in order, and
// not many more.
func TestLatestAreKept(t *testing.T) {
	const keep, all = 16, 5*16 + 7
	l := latest.New[uint64](keep)
	for range all {
		l.Add(func(seq uint64) uint64 { return seq })
	}
	for _, seen := range []uint64{0, all - 3, all, all + 5} {
		items, last, _ := l.After(seen)
		if last != all {
			t.Errorf("the last has number %d, want %d", last, all)
		}
		if seen == 0 && (len(items) < keep || len(items) > 2*keep) {
			t.Errorf("%d are kept, want %d to %d", len(items), keep, 2*keep)
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

// A reader is sent what is kept, then what comes, and what came until the end.
func TestServe(t *testing.T) {
	l := latest.New[string](8)
	add := func(s string) { l.Add(func(uint64) string { return s }) }
	done := make(chan struct{})
	srv := httptest.NewServer(l.Serve(done))
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

// BenchmarkAdd is what an item costs whoever adds it to a list that has long grown.
func BenchmarkAdd(b *testing.B) {
	l := latest.New[uint64](4096)
	b.ReportAllocs()
	for b.Loop() {
		l.Add(func(seq uint64) uint64 { return seq })
	}
}
