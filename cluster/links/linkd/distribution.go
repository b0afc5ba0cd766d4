package linkd

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// paretoShape is that of the excess over the latency. With 3 the mean and the
// variance are finite, and one delay in a thousand is nine times the mean or more.
const paretoShape = 3.0

// drawJitter is one delay, never below zero.
func drawJitter(d wire.Delay, r *rand.Rand) time.Duration {
	one := d.Latency
	if d.Jitter > 0 {
		switch d.Distribution {
		case wire.Normal:
			deviation := max(-wire.MaxDeviations, min(wire.MaxDeviations, r.NormFloat64()))
			one += time.Duration(deviation * float64(d.Jitter))
		case wire.Pareto:
			// Lomax: a Pareto distribution that begins at zero, with a mean of 1.
			excess := (paretoShape - 1) * (math.Pow(1-r.Float64(), -1/paretoShape) - 1)
			one += time.Duration(min(wire.MaxExcess, excess) * float64(d.Jitter))
		default:
			one += time.Duration(r.Int64N(2*int64(d.Jitter)+1)) - d.Jitter
		}
	}
	return max(0, one)
}

const (
	// segmentSize is how many bytes a packet carries on an Ethernet.
	segmentSize = 1448
	// maxRetransmissions is how often one segment is lost at most, so that it can
	// be said how long a stall takes: 63 times the first timeout.
	maxRetransmissions = 6
)

// drawLoss is how long the loss of packets keeps n bytes back: as long as the
// segment that is lost most often. The timeout doubles with each of its losses.
func drawLoss(l wire.Loss, n int, r *rand.Rand) time.Duration {
	worst := 0
	for range (n + segmentSize - 1) / segmentSize {
		lost := 0
		for lost < maxRetransmissions && r.Float64() < l.Probability {
			lost++
		}
		worst = max(worst, lost)
	}
	return time.Duration(1<<worst-1) * l.Retransmit
}
