package harness

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// feed sends 100 reads a second from 0 to 10 s; bad reports which of them fail.
func feed(m *liveStats, bad func(at time.Duration) bool) {
	for at := time.Duration(0); at < 10*time.Second; at += 10 * time.Millisecond {
		op := history.Op{Region: "east", Kind: history.Read, Intended: at, Return: at + time.Millisecond, Outcome: history.OK}
		m.due(op)
		if bad(at) {
			op.Outcome = history.Unknown
		}
		m.done(op)
	}
}

func TestLiveStatsStable(t *testing.T) {
	tests := []struct {
		name  string
		bad   func(at time.Duration) bool
		since time.Duration
		now   time.Duration
		want  time.Duration
	}{
		{"all good", func(time.Duration) bool { return false }, 4 * time.Second, 10 * time.Second, 5900 * time.Millisecond},
		{"bad until 6 s", func(at time.Duration) bool { return at < 6*time.Second }, 0, 10 * time.Second, 3900 * time.Millisecond},
		{"one bad op at 7 s", func(at time.Duration) bool { return at == 7*time.Second }, 0, 10 * time.Second, 2800 * time.Millisecond},
		{"load stopped at 10 s", func(time.Duration) bool { return false }, 0, 12 * time.Second, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newLiveStats(record.SLOParams{}.Resolve())
			feed(m, tt.bad)
			if got := m.stable(tt.now, tt.since); got != tt.want {
				t.Errorf("stable for %v, want %v", got, tt.want)
			}
		})
	}
	if got := newLiveStats(record.SLOParams{}.Resolve()).stable(5*time.Second, 0); got != 0 {
		t.Errorf("without load: stable for %v, want 0", got)
	}
}

// TestLiveStatsUndecided: what is under way counts as neither good nor bad, until it
// is too slow to be good.
func TestLiveStatsUndecided(t *testing.T) {
	m := newLiveStats(record.SLOParams{}.Resolve())
	feed(m, func(time.Duration) bool { return false })
	m.due(history.Op{Region: "east", Kind: history.Read, Intended: 9500 * time.Millisecond})
	if got, want := m.stable(10*time.Second, 9*time.Second), 500*time.Millisecond; got != want {
		t.Errorf("with an operation under way: stable for %v, want %v", got, want)
	}
	if got := m.stable(10700*time.Millisecond, 9*time.Second); got != 400*time.Millisecond {
		t.Errorf("after an operation that is too slow: stable for %v, want 400ms", got)
	}
}

func TestLiveStatsRates(t *testing.T) {
	m := newLiveStats(record.SLOParams{}.Resolve())
	feed(m, func(at time.Duration) bool { return at >= 9400*time.Millisecond })
	got := m.rates(10 * time.Second)
	want := []Rate{{Region: "east", Due: 100, OK: 0.5, P99: time.Millisecond}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rates over the last decided second (-want +got):\n%s", diff)
	}
}

// TestLiveStatsP99 has latencies of 1 to 100 ms within one second: 99 of them are at most 99 ms.
func TestLiveStatsP99(t *testing.T) {
	m := newLiveStats(record.SLOParams{}.Resolve())
	for i := range 100 {
		at := 9*time.Second - 100*time.Millisecond + time.Duration(i)*10*time.Millisecond
		op := history.Op{Region: "east", Kind: history.Read, Intended: at, Return: at + time.Duration(i+1)*time.Millisecond, Outcome: history.OK}
		m.due(op)
		m.done(op)
	}
	if got := m.rates(10 * time.Second)[0]; got.Due != 100 || got.P99 != 99*time.Millisecond {
		t.Errorf("p99 of %d operations is %v, want 99ms of 100", got.Due, got.P99)
	}
}
