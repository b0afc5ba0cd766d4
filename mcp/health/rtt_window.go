package health

import (
	"math"
	"time"
)

// window holds the latest round trips to one peer, and so what is usual for it.
//
// Slow answers enter it like any other, those that were strikes too. Left out,
// they would freeze it: after a route has become longer for good, every answer
// would be slow for ever. Let in, they cannot poison it for long either: the
// window is short, no round trip in it is longer than a probe may take, and the
// limit never exceeds that. Probes without an answer have no round trip to enter.
type window struct {
	size int
	kept []time.Duration // oldest first
}

// enough is how many round trips say what is usual; with fewer every answer is
// in time.
const enough = 5

func (w *window) add(rtt time.Duration) {
	w.kept = append(w.kept, rtt)
	if len(w.kept) > w.size {
		w.kept = w.kept[1:]
	}
}

// figures are the mean and the standard deviation of what is kept.
func (w *window) figures() (mean, sigma time.Duration) {
	if len(w.kept) == 0 {
		return 0, 0
	}
	var sum, squares float64
	for _, d := range w.kept {
		sum += float64(d)
	}
	m := sum / float64(len(w.kept))
	for _, d := range w.kept {
		squares += (float64(d) - m) * (float64(d) - m)
	}
	return time.Duration(m), time.Duration(math.Sqrt(squares / float64(len(w.kept))))
}

// limit is the round trip above which an answer is slow: two standard
// deviations above the mean, at least floor above it, never more than most.
func (w *window) limit(floor, most time.Duration) time.Duration {
	if len(w.kept) < enough {
		return most
	}
	mean, sigma := w.figures()
	return min(mean+max(2*sigma, floor), most)
}
