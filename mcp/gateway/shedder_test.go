package gateway

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestShedding(t *testing.T) {
	const ms = time.Millisecond
	type wait struct {
		every, wait time.Duration // how often there is a wait, and how long it is
		during      time.Duration
	}
	for _, tc := range []struct {
		name  string
		waits []wait
		want  string
	}{
		{"nothing yet", nil, ""},
		{"short waits", []wait{{10 * ms, ms, 5 * time.Second}}, ""},
		{"a standing queue", []wait{{10 * ms, 150 * ms, 2 * time.Second}}, "CPU"},
		{"a long queue for a moment", []wait{{10 * ms, 900 * ms, 300 * ms}}, ""},
		{"throttled most of the time, and no standing queue", []wait{
			{10 * ms, 300 * ms, 300 * ms},
			{10 * ms, ms, 20 * ms},
			{10 * ms, 300 * ms, 300 * ms},
			{10 * ms, ms, 20 * ms},
			{10 * ms, 300 * ms, 300 * ms},
			{10 * ms, ms, 20 * ms},
			{10 * ms, 300 * ms, 300 * ms},
		}, ""},
		{"a queue that is gone", []wait{{10 * ms, 500 * ms, 5 * time.Second}, {10 * ms, 2 * ms, 10 * ms}}, ""},
		{"one that is back", []wait{{10 * ms, 500 * ms, 5 * time.Second}, {10 * ms, 2 * ms, 10 * ms}, {10 * ms, 500 * ms, 2 * time.Second}}, "CPU"},
		{"few samples", []wait{{2 * time.Second, 2 * ms, 10 * time.Second}}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var s Shedder
			now := time.Unix(1000, 0)
			for _, w := range tc.waits {
				for end := now.Add(w.during); now.Before(end); {
					now = now.Add(w.every)
					s.ObserveDelay(now, w.wait)
				}
			}
			got := s.Exhausted()
			if tc.want == "" && got != "" || !strings.HasPrefix(got, tc.want) {
				t.Errorf("short of %q, want %q", got, tc.want)
			}
			if starved := s.StarvedFor(now) > 0; starved != (tc.want == "CPU") {
				t.Errorf("starved: %v", starved)
			}
		})
	}
}

// The node is throttled for a part of each period of 100 ms.
func TestSheddingOfAThrottledNode(t *testing.T) {
	var s Shedder
	now := time.Unix(1000, 0)
	for _, tc := range []struct {
		throttled time.Duration // of each 100 ms
		during    time.Duration
		want      bool
	}{
		{40 * time.Millisecond, 3 * time.Second, false},
		{90 * time.Millisecond, 400 * time.Millisecond, false}, // for a moment
		{0, time.Second, false},
		{90 * time.Millisecond, 2 * time.Second, true},
		{50 * time.Millisecond, 2 * time.Second, true}, // still above unthrottledShare
		{20 * time.Millisecond, 2 * time.Second, false},
	} {
		for end := now.Add(tc.during); now.Before(end); {
			now = now.Add(100 * time.Millisecond)
			s.ObserveThrottled(now, tc.throttled)
		}
		if got := strings.HasPrefix(s.Exhausted(), "CPU"); got != tc.want {
			t.Errorf("throttled for %v of 100 ms during %v: starved %v, want %v", tc.throttled, tc.during, got, tc.want)
		}
	}
}

func TestSheddingForMemory(t *testing.T) {
	var s Shedder
	for _, tc := range []struct {
		used, limit uint64
		want        string
	}{{89, 100, ""}, {91, 100, "memory"}, {50, 100, ""}, {1 << 40, 0, ""}} {
		s.ObserveMemory(tc.used, tc.limit)
		if got := s.Exhausted(); got != tc.want {
			t.Errorf("%d of %d: short of %q, want %q", tc.used, tc.limit, got, tc.want)
		}
	}
}

// The probe measures short waits in an idle process, and runs until its context ends.
func TestSchedLatencyProbe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var s Shedder
	done := make(chan struct{})
	go func() {
		defer close(done)
		probeSchedLatency(ctx, &s)
	}()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		quick := s.sampled && s.minDelay < codelTarget
		s.mu.Unlock()
		if quick {
			break
		}
		if time.Now().After(end) {
			t.Error("not one wait was short in an idle process")
			break
		}
	}
	cancel()
	<-done
}
