package linkd

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// Each distribution has the mean and the bounds that its description gives.
func TestDistributions(t *testing.T) {
	const latency, jitter = 100 * time.Millisecond, 20 * time.Millisecond
	for name, want := range map[string]struct{ mean, least, most, beyond time.Duration }{
		// Beyond is a delay that one in a hundred must exceed, or none where it is most.
		wire.Uniform: {latency, latency - jitter, latency + jitter, latency + jitter*9/10},
		wire.Normal:  {latency, latency - 3*jitter, latency + 3*jitter, latency + 2*jitter},
		wire.Pareto:  {latency + jitter, latency, latency + 20*jitter, latency + 5*jitter},
	} {
		t.Run(name, func(t *testing.T) {
			d, r := wire.Delay{Latency: latency, Jitter: jitter, Distribution: name}, rand.New(rand.NewPCG(1, 2))
			const n = 20_000
			var sum time.Duration
			all := make([]time.Duration, n)
			for i := range all {
				all[i] = drawJitter(d, r)
				sum += all[i]
			}
			slices.Sort(all)
			if mean := sum / n; (mean - want.mean).Abs() > time.Millisecond {
				t.Errorf("mean is %v, want %v", mean, want.mean)
			}
			if all[0] < want.least || all[n-1] > want.most {
				t.Errorf("between %v and %v, want %v to %v", all[0], all[n-1], want.least, want.most)
			}
			if got := all[n-n/100]; got < want.beyond {
				t.Errorf("one in a hundred takes %v or more, want at least %v", got, want.beyond)
			}
			if got := d.Max(); got != want.most {
				t.Errorf("Max is %v, want %v", got, want.most)
			}
		})
	}
}

// A share of single segments is late by one timeout, a share of that share by three,
// and a long chunk is as late as its worst segment.
func TestLossDelays(t *testing.T) {
	const timeout = 200 * time.Millisecond
	l, r := wire.Loss{Probability: 0.25, Retransmit: timeout}, rand.New(rand.NewPCG(1, 2))
	count := map[time.Duration]int{}
	const n = 40_000
	for range n {
		count[drawLoss(l, 1, r)]++
	}
	for delay, want := range map[time.Duration]float64{0: 0.75, timeout: 0.1875, 3 * timeout: 0.046875, 7 * timeout: 0.01171875} {
		if got := float64(count[delay]) / n; got < want*0.9 || got > want*1.1 {
			t.Errorf("%.4f of the segments are late by %v, want %.4f", got, delay, want)
		}
	}
	late := 0
	for range 1000 {
		if drawLoss(l, 10*segmentSize, r) > 0 {
			late++
		}
	}
	if late < 900 { // 1 - 0.75^10 = 0.944
		t.Errorf("%d of 1000 chunks of ten segments are late, want more than 900", late)
	}
	if got := drawLoss(wire.Loss{Probability: 1, Retransmit: timeout}, 1, r); got != 63*timeout {
		t.Errorf("a segment that is always lost is late by %v, want %v", got, 63*timeout)
	}
}
