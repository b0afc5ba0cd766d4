package faults_test

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/faults"
)

func TestShortest(t *testing.T) {
	const ms = time.Millisecond
	for want, f := range map[time.Duration]faults.Fault{
		180 * ms: &faults.Partition{},
		80 * ms:  &faults.Isolate{Mode: links.Reset},
		50 * ms:  &faults.Kill{},
		830 * ms: &faults.Loss{Percent: 10},
		860 * ms: &faults.Stall{After: 1},
		200 * ms: &faults.Pause{},
		320 * ms: &faults.Latency{Delay: 100 * ms, Jitter: 20 * ms},
	} {
		got, why := faults.Shortest(f, 30*ms)
		if got != want || why == "" {
			t.Errorf("%T may last %v (%s), want %v", f, got, why, want)
		}
	}
}
