package workload

import (
	"fmt"
	"strconv"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// stream is where messages go. A system that has several may take it for any of them.
const stream = "feed"

// asksEach is how often a second a consumer asks for its next messages.
const asksEach = 2

// Announcement is a message that somebody publishes, by its name, before the load.
func Announcement(from string) history.Op {
	return history.Op{Kind: history.Publish, Key: stream, Value: "ready." + from}
}

// ConsumersOf are the operations by which each of a region's consumers asks for
// its next messages.
func (l Load) ConsumersOf(region topology.Region) []history.Op {
	out := make([]history.Op, l.Consumers)
	for i := range out {
		out[i] = history.Op{Kind: history.Consume, Key: fmt.Sprintf("%s/%s-%d", stream, region, i), Region: region, Client: i % l.Clients}
	}
	return out
}

// consume says whether the series' next read is a consumer's, and whose. A
// consumer belongs to one client, so its questions come one after the other.
func (s *series) consume(op *history.Op) bool {
	if len(s.consumers) == 0 || s.rng.IntN(s.rate) >= asksEach*len(s.consumers) {
		return false
	}
	next := s.consumers[s.asked%len(s.consumers)]
	s.asked++
	op.Kind, op.Key, op.Client = next.Kind, next.Key, next.Client
	return true
}

// publish makes the operation a message's.
func publish(op *history.Op) {
	op.Kind, op.Key, op.Value = history.Publish, stream, strconv.FormatInt(op.ID, 10)
}
