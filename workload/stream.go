package workload

import (
	"fmt"
	"strconv"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// stream is where messages go. A system that has several may take it for any of them.
const stream = "feed"

// pollsPerSecond is how often a second a consumer asks for its next messages.
const pollsPerSecond = 2

// ReadyMessageOp is a message that somebody publishes, by its name, before the load.
func ReadyMessageOp(from string) history.Op {
	return history.Op{Kind: history.Publish, Key: stream, Value: "ready." + from}
}

// ConsumerOps are the operations by which each of a region's consumers asks for
// its next messages.
func (l Load) ConsumerOps(region topology.Region) []history.Op {
	out := make([]history.Op, l.Consumers)
	for i := range out {
		out[i] = history.Op{Kind: history.Consume, Key: fmt.Sprintf("%s/%s-%d", stream, region, i), Region: region, Client: i % l.Clients}
	}
	return out
}

// pollConsumer says whether the series' next read is a consumer's, and whose. A
// consumer belongs to one client, so its questions come one after the other.
func (s *opGenerator) pollConsumer(op *history.Op) bool {
	if len(s.consumers) == 0 || s.rng.IntN(s.rate) >= pollsPerSecond*len(s.consumers) {
		return false
	}
	next := s.consumers[s.polls%len(s.consumers)]
	s.polls++
	op.Kind, op.Key, op.Client = next.Kind, next.Key, next.Client
	return true
}

// publish makes the operation a message's.
func publish(op *history.Op) {
	op.Kind, op.Key, op.Value = history.Publish, stream, strconv.FormatInt(op.ID, 10)
}
