package harness

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/record"
)

// What a system says of itself is shown live in terminals and in logs of CI, which obey
// escapes and lines that begin with "::". The record keeps it as it came.
func TestWatchersAreHandedPrintableText(t *testing.T) {
	var got []record.Event
	var active []string
	f := newProgressFeed("run", func() time.Duration { return 0 }, func() []Rate { return nil }, func(p Progress) {
		if p.Event != nil {
			got, active = append(got, *p.Event), p.Active
		}
	})
	const hostile, clean = "\x1b[2J\n::error::x", "�[2J ::error::x"
	f.begin(hostile)
	fields := map[string]string{hostile: hostile}
	f.event(record.Event{Source: hostile, Kind: "::error::x", Node: hostile, Region: hostile, Fault: hostile, Description: hostile, Fields: fields})
	f.close()
	want := []record.Event{{Source: clean, Kind: ": :error::x", Node: clean, Region: clean, Fault: clean, Description: clean, Fields: map[string]string{clean: clean}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{clean}, active); diff != "" {
		t.Errorf("faults under way (-want +got):\n%s", diff)
	}
	if fields[hostile] != hostile {
		t.Error("the event itself was changed")
	}
}
