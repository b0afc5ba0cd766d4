package client

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the bus sends again comes in an order of its own and a part at a time,
// and what it had sent to a fetch that has given up comes again much later.
func TestMessagesAreHandedOverInOrder(t *testing.T) {
	type fetch struct {
		came, out []uint64 // sequence numbers
		unsure    bool     // the acknowledgement gets no answer
	}
	for name, fetches := range map[string][]fetch{
		"in order": {
			{came: []uint64{1, 2, 3}, out: []uint64{1, 2, 3}},
			{came: []uint64{4}, out: []uint64{4}},
		},
		"what is early waits for its turn": {
			{came: []uint64{4, 5}},
			{came: []uint64{6}},
			{came: []uint64{1, 2, 3}, out: []uint64{1, 2, 3, 4, 5, 6}},
		},
		"of what is early a part is enough": {
			{came: []uint64{1}, out: []uint64{1}},
			{came: []uint64{3, 5}},
			{came: []uint64{2}, out: []uint64{2, 3}},
			{came: []uint64{4}, out: []uint64{4, 5}},
		},
		"no more than asked for, the rest the next time": {
			{came: []uint64{2, 3, 4, 5, 6, 7, 8}},
			{came: []uint64{1}, out: []uint64{1, 2, 3, 4, 5, 6}},
			{out: []uint64{7, 8}},
		},
		"what was acknowledged is not handed over again": {
			{came: []uint64{1, 2, 3}, out: []uint64{1, 2, 3}},
			{came: []uint64{1, 2, 3}},
			{came: []uint64{2, 4}, out: []uint64{4}},
		},
		"what may not be acknowledged comes again": {
			{came: []uint64{1, 2, 3}, out: []uint64{1, 2, 3}, unsure: true},
			{came: []uint64{2, 3, 4}, out: []uint64{2, 3, 4}},
			{came: []uint64{1, 5}, out: []uint64{5}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTurns()
			for i, f := range fetches {
				var came []Message
				for _, seq := range f.came {
					came = append(came, Message{Sequence: seq})
				}
				c.keep(came)
				var out []uint64
				for _, m := range c.run(6) {
					out = append(out, m.Sequence)
				}
				if diff := cmp.Diff(f.out, out); diff != "" {
					t.Errorf("fetch %d hands over (-want +got):\n%s", i+1, diff)
				}
				if len(out) > 0 && !f.unsure {
					c.settle(slices.Max(out))
				}
			}
		})
	}
}

func TestWhatIsMissingForGoodIsSkipped(t *testing.T) {
	c := newTurns()
	c.keep([]Message{{Sequence: 7}, {Sequence: 8}})
	if c.ready() || !c.stuck() {
		t.Error("messages are handed over although six before them may come")
	}
	c.skip(7) // the stream begins there
	if out := c.run(6); len(out) != 2 || c.stuck() {
		t.Errorf("hands over %v, want messages 7 and 8", out)
	}
}

// The bus goes on sending what was acknowledged until its newest copy is.
func TestTheNewestThatCameAgainIsFound(t *testing.T) {
	c := newTurns()
	if _, ok := c.again([]Message{{Sequence: 1}}); ok {
		t.Error("the first message came again")
	}
	c.settle(3)
	if m, ok := c.again([]Message{{Sequence: 2}, {Sequence: 3, ack: "old"}, {Sequence: 3, ack: "new"}, {Sequence: 4}, {Sequence: 1}}); !ok || m.ack != "new" {
		t.Errorf("%+v, %v came again, want the newest copy of message 3", m, ok)
	}
	if c.ready() || c.stuck() {
		t.Error("what was acknowledged is held")
	}
}
