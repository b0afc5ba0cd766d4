package links

import (
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// Distribution is how jitter is distributed around a latency.
type Distribution string

// The distributions. The zero value is Uniform.
const (
	Uniform Distribution = wire.Uniform // evenly in ±Jitter around Latency
	Normal  Distribution = wire.Normal  // with Jitter as the standard deviation, cut off at three times that
	Pareto  Distribution = wire.Pareto  // never less than Latency, Jitter more on average, at most twenty times that
)

// Values lists the distributions.
func (Distribution) Values() []string { return []string{wire.Uniform, wire.Normal, wire.Pareto} }

// MaxDelay is the longest that a latency with jitter takes one way.
func (e Effect) MaxDelay() time.Duration {
	return wire.Delay{Latency: e.Latency, Jitter: e.Jitter, Distribution: string(e.Distribution)}.Max()
}
