package workload

import (
	"fmt"
	"strconv"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// stream is the name of the stream that messages are published to. A target with
// several streams can map it to any of them.
const stream = "feed"

// pollsPerSecond is how often a consumer polls for messages.
const pollsPerSecond = 2

// ReadyMessageOp publishes a message that names its sender. It is sent before the load begins.
func ReadyMessageOp(from string) history.Op {
	return history.Op{Kind: history.Publish, Key: stream, Value: "ready." + from}
}

// ConsumerOps are the operations by which each consumer of a region polls for its
// next messages.
func (l Load) ConsumerOps(region topology.Region) []history.Op {
	out := make([]history.Op, l.Consumers)
	for i := range out {
		out[i] = history.Op{Kind: history.Consume, Key: fmt.Sprintf("%s/%s-%d", stream, region, i), Region: region, Client: i % l.Clients}
	}
	return out
}

// pollConsumer makes op a poll of the next consumer, and returns true, for the share
// of reads that are polls. Each consumer belongs to one client, so that its polls
// follow one another.
func (s *opGenerator) pollConsumer(op *history.Op) bool {
	if len(s.consumers) == 0 || s.rng.IntN(s.rate) >= pollsPerSecond*len(s.consumers) {
		return false
	}
	next := s.consumers[s.polls%len(s.consumers)]
	s.polls++
	op.Kind, op.Key, op.Client = next.Kind, next.Key, next.Client
	return true
}

// publish makes op the publication of a message.
func publish(op *history.Op) {
	op.Kind, op.Key, op.Value = history.Publish, stream, strconv.FormatInt(op.ID, 10)
}
