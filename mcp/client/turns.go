package client

import (
	"maps"
	"slices"
)

// turns puts the messages of a consumer into the stream's order. The bus sends
// what was not acknowledged again in an order of its own, a part at a time, and
// what it sent to a fetch that had given up much later.
//
//	came ─► keep ─► held until its turn ─► run ─► handed over ─► settle: acknowledged
//
// It speaks with nobody. Calls must not overlap.
type turns struct {
	handed uint64             // the highest sequence number handed out, or acknowledged before our time
	acked  uint64             // the highest acknowledged
	held   map[uint64]Message // by sequence number; as many as may be unacknowledged
}

func newTurns() turns { return turns{held: map[uint64]Message{}} }

// keep holds what came until its turn. What is thrown away for being early may
// be early the next time too.
func (t *turns) keep(came []Message) {
	for _, m := range came {
		if m.Sequence > t.acked {
			t.held[m.Sequence] = m
		}
	}
}

// again is the newest of those that came although they had been acknowledged;
// not ok when there is none.
func (t *turns) again(came []Message) (newest Message, ok bool) {
	for _, m := range came {
		if m.Sequence <= t.acked && m.Sequence >= newest.Sequence {
			newest, ok = m, true
		}
	}
	return newest, ok
}

// ready says whether a message is held whose turn it is.
func (t *turns) ready() bool {
	for seq := range t.held {
		if seq <= t.handed+1 {
			return true
		}
	}
	return false
}

// stuck says whether messages are held and none may be handed over: one before
// them is missing.
func (t *turns) stuck() bool { return len(t.held) > 0 && !t.ready() }

// run takes out of what is held what may be handed over: from the next message
// on, or from one before it that came again, without a gap.
func (t *turns) run(most int) (out []Message) {
	for _, seq := range slices.Sorted(maps.Keys(t.held)) {
		next := t.handed + 1
		if len(out) > 0 {
			next = out[len(out)-1].Sequence + 1
		}
		if len(out) == most || seq > next {
			break
		}
		out = append(out, t.held[seq])
		delete(t.held, seq)
	}
	if n := len(out); n > 0 {
		t.handed = max(t.handed, out[n-1].Sequence)
	}
	return out
}

// settle notes that a message and all before it are acknowledged.
func (t *turns) settle(seq uint64) {
	t.acked = max(t.acked, seq)
	t.handed = max(t.handed, t.acked)
	maps.DeleteFunc(t.held, func(seq uint64, _ Message) bool { return seq <= t.acked })
}

// skip notes that no message before this one can come any more.
func (t *turns) skip(first uint64) {
	if first > 0 {
		t.handed = max(t.handed, first-1)
	}
}
