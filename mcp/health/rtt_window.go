package health

import (
	"math"
	"time"
)

// rttWindow holds the latest round trips to one peer, which define what is usual for it.
//
// Slow answers enter it like any other, even those that were strikes. Without them the
// window would freeze: after a route has become longer for good, every answer would be slow
// for ever. They cannot distort it for long either: the window is short, no round trip in
// it is longer than the timeout of a probe, and the limit never exceeds that. Probes
// without an answer have no round trip to add.
type rttWindow struct {
	size    int
	samples []time.Duration // oldest first
}

// minSamples is how many round trips are needed to know what is usual. With fewer, every
// answer is in time.
const minSamples = 5

func (w *rttWindow) add(rtt time.Duration) {
	w.samples = append(w.samples, rtt)
	if len(w.samples) > w.size {
		w.samples = w.samples[1:]
	}
}

// meanStddev returns the mean and the standard deviation of the samples.
func (w *rttWindow) meanStddev() (mean, sigma time.Duration) {
	if len(w.samples) == 0 {
		return 0, 0
	}
	var sum, squares float64
	for _, d := range w.samples {
		sum += float64(d)
	}
	m := sum / float64(len(w.samples))
	for _, d := range w.samples {
		squares += (float64(d) - m) * (float64(d) - m)
	}
	return time.Duration(m), time.Duration(math.Sqrt(squares / float64(len(w.samples))))
}

// slowLimit is the round trip above which an answer is slow: two standard deviations
// above the mean, at least floor above it, and never more than limit.
func (w *rttWindow) slowLimit(floor, limit time.Duration) time.Duration {
	if len(w.samples) < minSamples {
		return limit
	}
	mean, sigma := w.meanStddev()
	return min(mean+max(2*sigma, floor), limit)
}
