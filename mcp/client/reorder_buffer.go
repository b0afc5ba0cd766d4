package client

import (
	"maps"
	"slices"
)

// reorderBuffer puts the messages of a consumer into the stream's order. The bus
// redelivers unacknowledged messages in an order of its own, a part at a time, and much
// later those that it had sent to a fetch that timed out.
//
//	received ─► add ─► pending ─► next ─► delivered ─► acknowledge
//
// It does no I/O. Calls must not overlap.
type reorderBuffer struct {
	delivered uint64             // the highest sequence number that was delivered
	acked     uint64             // the highest sequence number that was acknowledged
	pending   map[uint64]Message // by sequence number; at most maxAckPending
}

func newReorderBuffer() reorderBuffer { return reorderBuffer{pending: map[uint64]Message{}} }

// add adds received messages. None is dropped for being early, because it might be early
// again when it is redelivered.
func (b *reorderBuffer) add(came []Message) {
	for _, m := range came {
		if m.Sequence > b.acked {
			b.pending[m.Sequence] = m
		}
	}
}

// redelivered returns the newest of the received messages that had been acknowledged
// before. ok is false if there is none.
func (b *reorderBuffer) redelivered(came []Message) (newest Message, ok bool) {
	for _, m := range came {
		if m.Sequence <= b.acked && m.Sequence >= newest.Sequence {
			newest, ok = m, true
		}
	}
	return newest, ok
}

// ready reports whether next would return a message.
func (b *reorderBuffer) ready() bool {
	for seq := range b.pending {
		if seq <= b.delivered+1 {
			return true
		}
	}
	return false
}

// hasGap reports whether there are pending messages and the one before them is missing.
func (b *reorderBuffer) hasGap() bool { return len(b.pending) > 0 && !b.ready() }

// next removes and returns up to maxMessages messages without a gap, which begin with
// the one after the last delivered, or with an earlier one that was redelivered.
func (b *reorderBuffer) next(maxMessages int) (out []Message) {
	for _, seq := range slices.Sorted(maps.Keys(b.pending)) {
		want := b.delivered + 1
		if len(out) > 0 {
			want = out[len(out)-1].Sequence + 1
		}
		if len(out) == maxMessages || seq > want {
			break
		}
		out = append(out, b.pending[seq])
		delete(b.pending, seq)
	}
	if n := len(out); n > 0 {
		b.delivered = max(b.delivered, out[n-1].Sequence)
	}
	return out
}

// acknowledge records that a message and all before it are acknowledged.
func (b *reorderBuffer) acknowledge(seq uint64) {
	b.acked = max(b.acked, seq)
	b.delivered = max(b.delivered, b.acked)
	maps.DeleteFunc(b.pending, func(seq uint64, _ Message) bool { return seq <= b.acked })
}

// skipTo records that no message before this one can be delivered any more.
func (b *reorderBuffer) skipTo(first uint64) {
	if first > 0 {
		b.delivered = max(b.delivered, first-1)
	}
}
