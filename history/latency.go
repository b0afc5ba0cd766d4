package history

import (
	"math"
	"time"
)

// Latency is how long the client waited for the operation, from the instant at which it was due.
// Counting from Intended and not from Call keeps the wait for a slow predecessor in the figure
// (no coordinated omission).
func (op *Op) Latency() time.Duration { return op.Return - op.Intended }

// Good reports whether the operation was acknowledged within a latency limit.
func (op *Op) Good(limit time.Duration) bool {
	return op.Outcome == OK && op.Latency() <= limit
}

// Percentile returns the nearest-rank percentile of durations sorted in ascending order: the
// smallest one that at least percent of a hundred do not exceed. Percentile(d, 100) is the
// maximum; of no durations it is 0.
func Percentile(sorted []time.Duration, percent float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	// Rounded up; the subtraction keeps a product such as 1000 × 99.9 ÷ 100 = 999.0000000000001 from counting one rank further.
	rank := int(math.Ceil(float64(len(sorted))*percent/100 - 1e-9))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
