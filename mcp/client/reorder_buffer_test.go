package client

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The bus redelivers in an order of its own and a part at a time, and redelivers what
// it had sent to a fetch that timed out much later.
func TestMessagesAreDeliveredInOrder(t *testing.T) {
	type fetch struct {
		received, delivered []uint64 // sequence numbers
		ackLost             bool     // the acknowledgement gets no answer
	}
	for name, fetches := range map[string][]fetch{
		"in order": {
			{received: []uint64{1, 2, 3}, delivered: []uint64{1, 2, 3}},
			{received: []uint64{4}, delivered: []uint64{4}},
		},
		"early messages wait": {
			{received: []uint64{4, 5}},
			{received: []uint64{6}},
			{received: []uint64{1, 2, 3}, delivered: []uint64{1, 2, 3, 4, 5, 6}},
		},
		"a part of the early messages is delivered": {
			{received: []uint64{1}, delivered: []uint64{1}},
			{received: []uint64{3, 5}},
			{received: []uint64{2}, delivered: []uint64{2, 3}},
			{received: []uint64{4}, delivered: []uint64{4, 5}},
		},
		"no more than requested, the rest with the next fetch": {
			{received: []uint64{2, 3, 4, 5, 6, 7, 8}},
			{received: []uint64{1}, delivered: []uint64{1, 2, 3, 4, 5, 6}},
			{delivered: []uint64{7, 8}},
		},
		"acknowledged messages are not delivered again": {
			{received: []uint64{1, 2, 3}, delivered: []uint64{1, 2, 3}},
			{received: []uint64{1, 2, 3}},
			{received: []uint64{2, 4}, delivered: []uint64{4}},
		},
		"messages whose acknowledgement was lost are delivered again": {
			{received: []uint64{1, 2, 3}, delivered: []uint64{1, 2, 3}, ackLost: true},
			{received: []uint64{2, 3, 4}, delivered: []uint64{2, 3, 4}},
			{received: []uint64{1, 5}, delivered: []uint64{5}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newReorderBuffer()
			for i, f := range fetches {
				var received []Message
				for _, seq := range f.received {
					received = append(received, Message{Sequence: seq})
				}
				c.add(received)
				var out []uint64
				for _, m := range c.next(6) {
					out = append(out, m.Sequence)
				}
				if diff := cmp.Diff(f.delivered, out); diff != "" {
					t.Errorf("fetch %d delivers (-want +got):\n%s", i+1, diff)
				}
				if len(out) > 0 && !f.ackLost {
					c.acknowledge(slices.Max(out))
				}
			}
		})
	}
}

func TestMessagesThatTheStreamDroppedAreSkipped(t *testing.T) {
	c := newReorderBuffer()
	c.add([]Message{{Sequence: 7}, {Sequence: 8}})
	if c.ready() || !c.hasGap() {
		t.Error("messages are delivered although six before them may still come")
	}
	c.skipTo(7) // the stream begins there
	if out := c.next(6); len(out) != 2 || c.hasGap() {
		t.Errorf("delivers %v, want messages 7 and 8", out)
	}
}

// The bus redelivers what was acknowledged until its newest delivery is acknowledged.
func TestTheNewestRedeliveredMessageIsFound(t *testing.T) {
	c := newReorderBuffer()
	if _, ok := c.redelivered([]Message{{Sequence: 1}}); ok {
		t.Error("the first delivery counts as a redelivery")
	}
	c.acknowledge(3)
	if m, ok := c.redelivered([]Message{{Sequence: 2}, {Sequence: 3, ack: "old"}, {Sequence: 3, ack: "new"}, {Sequence: 4}, {Sequence: 1}}); !ok || m.ack != "new" {
		t.Errorf("%+v, %v was redelivered, want the newest delivery of message 3", m, ok)
	}
	if c.ready() || c.hasGap() {
		t.Error("an acknowledged message is pending")
	}
}
