package harness

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/harness/history"
)

// feed sends 100 reads a second from 0 to 10 s; bad tells which fail.
func feed(m *meter, bad func(at time.Duration) bool) {
	for at := time.Duration(0); at < 10*time.Second; at += 10 * time.Millisecond {
		op := history.Op{Region: "east", Kind: history.Read, Intended: at, Return: at + time.Millisecond, Outcome: history.OK}
		m.due(op)
		if bad(at) {
			op.Outcome = history.Unknown
		}
		m.done(op)
	}
}

func TestMeterStable(t *testing.T) {
	tests := []struct {
		name  string
		bad   func(at time.Duration) bool
		since time.Duration
		now   time.Duration
		want  time.Duration
	}{
		{"all good", func(time.Duration) bool { return false }, 4 * time.Second, 10 * time.Second, 5 * time.Second},
		{"bad until 6 s", func(at time.Duration) bool { return at < 6*time.Second }, 0, 10 * time.Second, 3 * time.Second},
		{"one bad op at 7 s", func(at time.Duration) bool { return at == 7*time.Second }, 0, 10 * time.Second, 1900 * time.Millisecond},
		{"undecided is not counted", func(time.Duration) bool { return false }, 9 * time.Second, 9500 * time.Millisecond, 0},
		{"load stopped at 10 s", func(time.Duration) bool { return false }, 0, 12 * time.Second, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMeter(time.Second)
			feed(m, tt.bad)
			if got := m.stable(tt.now, tt.since); got != tt.want {
				t.Errorf("stable for %v, want %v", got, tt.want)
			}
		})
	}
	if got := newMeter(time.Second).stable(5*time.Second, 0); got != 0 {
		t.Errorf("without load: stable for %v, want 0", got)
	}
}

func TestMeterRates(t *testing.T) {
	m := newMeter(time.Second)
	feed(m, func(at time.Duration) bool { return at >= 8500*time.Millisecond })
	got := m.rates(10 * time.Second)
	want := []Rate{{Region: "east", Due: 100, OK: 0.5, P99: time.Millisecond}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rates over the last decided second (-want +got):\n%s", diff)
	}
}
