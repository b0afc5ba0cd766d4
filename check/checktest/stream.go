package checktest

import (
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// Stream is a run of a stream that never took place: forty messages, every tenth
// publish without an answer, of those each second one in the stream; one
// consumer that takes eight at a time.
type Stream struct {
	Record *record.Run
	held   []string
	got    int // of held, by the consumer
	at     time.Duration
}

// NewStream makes one that is still to be finished.
func NewStream() *Stream {
	s := &Stream{Record: Lab{}.Run(), at: 10 * Unit}
	for i := range 40 {
		op := history.Op{Kind: history.Publish, Key: "feed", Value: fmt.Sprintf("m%d", i), Outcome: history.OK}
		if i%10 == 5 {
			op.Outcome = history.Unknown
		}
		if i%20 != 5 {
			s.held = append(s.held, op.Value)
			op.Revision = uint64(len(s.held))
		}
		s.Add(op)
		if i%10 == 9 {
			s.Consume(8)
		}
	}
	return s
}

// Add appends an operation, after all others.
func (s *Stream) Add(op history.Op) {
	s.at += 100 * time.Microsecond
	op.ID, op.Region = int64(1e6+len(s.Record.Ops)), "east"
	op.Intended, op.Call, op.Return = s.at, s.at, s.at+50*time.Microsecond
	s.Record.Ops = append(s.Record.Ops, op)
}

// Consume delivers at most that many messages.
func (s *Stream) Consume(limit int) {
	to := min(s.got+limit, len(s.held))
	s.Add(history.Op{Kind: history.Consume, Key: "feed/east-0", Outcome: history.OK, Set: slices.Clone(s.held[s.got:to])})
	s.got = to
}

// Finish lets the consumer ask for the rest and reads the stream back through every node.
func (s *Stream) Finish() *record.Run {
	for rest := true; rest; {
		rest = s.got < len(s.held)
		s.Consume(8)
		s.Last().Final = true
	}
	for _, n := range Three.Nodes {
		s.Add(history.Op{Kind: history.Messages, Key: "feed", Outcome: history.OK, Set: slices.Clone(s.held), Final: true, ReadThrough: n.ID})
	}
	return s.Record
}

// Last is the last operation.
func (s *Stream) Last() *history.Op { return &s.Record.Ops[len(s.Record.Ops)-1] }

// Nth returns the n-th operation of a kind.
func Nth(r *record.Run, kind history.Kind, n int) *history.Op {
	for i := range r.Ops {
		if r.Ops[i].Kind == kind {
			if n--; n < 0 {
				return &r.Ops[i]
			}
		}
	}
	panic("no such operation")
}
