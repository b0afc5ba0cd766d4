package check

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// post is a run of a stream that never took place: forty messages, every tenth
// publish without an answer, of those each second one in the stream; one
// consumer that takes eight at a time.
type post struct {
	r    *record.Run
	held []string
	got  int // of held, by the consumer
	at   time.Duration
}

func newPost() *post {
	p := &post{r: lab{}.run(), at: 10 * ms}
	for i := range 40 {
		op := history.Op{Kind: history.Publish, Key: "feed", Value: fmt.Sprintf("m%d", i), Outcome: history.OK}
		if i%10 == 5 {
			op.Outcome = history.Unknown
		}
		if i%20 != 5 {
			p.held = append(p.held, op.Value)
			op.Revision = uint64(len(p.held))
		}
		p.add(op)
		if i%10 == 9 {
			p.consume(8)
		}
	}
	return p
}

func (p *post) add(op history.Op) {
	p.at += 100 * time.Microsecond
	op.ID, op.Region = int64(1e6+len(p.r.Ops)), "east"
	op.Intended, op.Call, op.Return = p.at, p.at, p.at+50*time.Microsecond
	p.r.Ops = append(p.r.Ops, op)
}

func (p *post) consume(most int) {
	to := min(p.got+most, len(p.held))
	p.add(history.Op{Kind: history.Consume, Key: "feed/east-0", Outcome: history.OK, Set: slices.Clone(p.held[p.got:to])})
	p.got = to
}

// finish lets the consumer ask for the rest and reads the stream back through every node.
func (p *post) finish() *record.Run {
	for rest := true; rest; {
		rest = p.got < len(p.held)
		p.consume(8)
		p.last().Final = true
	}
	for _, n := range three.Nodes {
		p.add(history.Op{Kind: history.Messages, Key: "feed", Outcome: history.OK, Set: slices.Clone(p.held), Final: true, ReadThrough: n.ID})
	}
	return p.r
}

func (p *post) last() *history.Op { return &p.r.Ops[len(p.r.Ops)-1] }

// of returns the n-th operation of a kind.
func of(r *record.Run, kind history.Kind, n int) *history.Op {
	for i := range r.Ops {
		if r.Ops[i].Kind == kind {
			if n--; n < 0 {
				return &r.Ops[i]
			}
		}
	}
	panic("no such operation")
}

func TestMessages(t *testing.T) {
	none := 0
	drop := func(op *history.Op, message string) {
		op.Set = slices.DeleteFunc(op.Set, func(m string) bool { return m == message })
	}
	for _, c := range []struct {
		name    string
		change  func(r *record.Run)
		promise string
		verdict record.Verdict
		says    string
	}{
		{"all is well", func(*record.Run) {}, "message order", record.Pass, "38 messages to 1 consumer, each in order; 0 came again"},
		{"all is well", func(*record.Run) {}, "delivery", record.Pass, "every acknowledged message came to each of 1 consumer"},
		{"all is well", func(*record.Run) {}, "rpo", record.Pass, "lost 0 of"},
		{"all is well", func(*record.Run) {}, "redelivery", record.Pass, "0 messages again"},
		{"two are swapped within one answer", func(r *record.Run) {
			op := of(r, history.Consume, 1)
			op.Set[2], op.Set[3] = op.Set[3], op.Set[2]
		}, "message order", record.Fail, "1 message out of order, first: feed/east-0 was handed m11 after m12"},
		{"two answers are swapped", func(r *record.Run) {
			a, b := of(r, history.Consume, 0), of(r, history.Consume, 1)
			a.Set, b.Set = b.Set, a.Set
		}, "message order", record.Fail, "8 messages out of order"},
		{"one is skipped and comes later", func(r *record.Run) {
			drop(of(r, history.Consume, 0), "m3")
			op := of(r, history.Consume, 2)
			op.Set = append(op.Set, "m3")
		}, "message order", record.Fail, "was handed m3 after"},
		{"an answer comes again: that is no disorder", func(r *record.Run) {
			a, b := of(r, history.Consume, 0), of(r, history.Consume, 1)
			b.Set = slices.Concat(a.Set, b.Set)
		}, "message order", record.Pass, "8 came again"},
		{"an answer comes again, and none may", func(r *record.Run) {
			a, b := of(r, history.Consume, 0), of(r, history.Consume, 1)
			b.Set = slices.Concat(a.Set, b.Set)
		}, "redelivery", record.Fail, "feed/east-0 was handed 8 messages again > 0"},
		{"what was handed over counts, acknowledged or not", func(r *record.Run) {
			of(r, history.Consume, 0).Outcome = history.Unknown
		}, "delivery", record.Pass, "every acknowledged message"},
		{"one never comes", func(r *record.Run) { drop(of(r, history.Consume, 0), "m3") }, "delivery", record.Fail, "1 message of 36 did not come, first: feed/east-0 was never handed m3"},
		{"one without an answer never comes", func(r *record.Run) { drop(of(r, history.Consume, 1), "m15") }, "delivery", record.Pass, "every acknowledged message"},
		{"one comes that nobody published", func(r *record.Run) {
			op := of(r, history.Consume, 1)
			op.Set = append(op.Set, "a ghost")
		}, "delivery", record.Fail, "1 message came that the stream does not hold, first: feed/east-0 was handed a ghost"},
		{"one without an answer comes, and is gone", func(r *record.Run) {
			op := of(r, history.Consume, 0)
			op.Set = append(op.Set, "m5")
		}, "delivery", record.Fail, "was handed m5, which the stream does not hold"},
		{"an acknowledged one comes, and is lost: rpo tells", func(r *record.Run) {
			for i := range 3 {
				drop(of(r, history.Messages, i), "m3")
			}
		}, "delivery", record.Pass, "every acknowledged message"},
		{"one comes that a node holds which was not read", func(r *record.Run) {
			op := of(r, history.Consume, 1)
			op.Set = append(op.Set, "a ghost")
			of(r, history.Messages, 2).Outcome = history.Failed
		}, "delivery", record.Unknown, "not through every node"},
		{"one comes when the stream has been read", func(r *record.Run) {
			op := of(r, history.Consume, 1)
			op.Set, op.Return = append(op.Set, "m25"), time.Hour
		}, "delivery", record.Pass, "every acknowledged message"},
		{"the stream dropped its beginning", func(r *record.Run) {
			op := of(r, history.Consume, 0)
			op.Set = slices.Insert(op.Set, 0, "long ago")
			for i := range 3 {
				op := of(r, history.Messages, i)
				op.Revision = uint64(len(op.Set)) + 1
			}
		}, "delivery", record.Pass, "every acknowledged message"},
		{"the consumer could not ask for the rest", func(r *record.Run) {
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Kind == history.Consume && op.Final {
					op.Outcome, op.Set, op.Error = history.Failed, nil, "no server"
				}
			}
		}, "delivery", record.Unknown, "feed/east-0 could not ask for the rest: no server"},
		{"the stream was not read back", func(r *record.Run) {
			r.Ops = slices.DeleteFunc(r.Ops, func(op history.Op) bool { return op.Kind == history.Messages })
		}, "delivery", record.Unknown, "what the stream holds was not read back"},
		{"nothing was handed over", func(r *record.Run) {
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Kind == history.Consume {
					op.Set = nil
				}
			}
		}, "message order", record.Vacuous, "no consumer was handed anything"},
		{"the stream has lost one", func(r *record.Run) {
			for i := range 3 {
				drop(of(r, history.Messages, i), "m3")
			}
		}, "rpo", record.Fail, "publish feed=m3 acknowledged"},
		{"the stream has one twice", func(r *record.Run) {
			for i := range 3 {
				op := of(r, history.Messages, i)
				op.Set = slices.Insert(op.Set, 5, "m3")
			}
		}, "duplicates", record.Fail, "feed holds m3 twice"},
		{"a replica misses one", func(r *record.Run) { drop(of(r, history.Messages, 1), "m3") }, "divergence", record.Fail, "feed on north-1 misses m3"},
		{"a replica has another order", func(r *record.Run) {
			op := of(r, history.Messages, 2)
			op.Set[3], op.Set[4] = op.Set[4], op.Set[3]
		}, "divergence", record.Fail, "message 4 of feed is m3 on east-1 and m4 on south-1"},
		{"a message that was refused is there", func(r *record.Run) { of(r, history.Publish, 3).Outcome = history.Failed }, "phantoms", record.Fail, "publish feed=m3 refused"},
	} {
		t.Run(c.promise+": "+c.name, func(t *testing.T) {
			r := newPost().finish()
			r.Objectives.Redelivered = &none
			c.change(r)
			want(t, judge(t, r), c.promise, c.verdict, c.says)
		})
	}
}

func TestMessagesAreCountedByConsumer(t *testing.T) {
	r := newPost().finish()
	op := of(r, history.Consume, 1)
	op.Set = append(slices.Clone(of(r, history.Consume, 0).Set[1:]), op.Set[1:]...)
	op.Set[8], op.Set[9] = op.Set[9], op.Set[8]
	got := judge(t, r).Deliveries
	want := []record.Deliveries{{Consumer: "feed/east-0", Delivered: 37, Redelivered: 7, Disordered: 1, Missing: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

func TestARunWithoutConsumersPromisesNoOrder(t *testing.T) {
	for _, f := range judge(t, lab{}.run()).Findings {
		if slices.Contains([]string{"message order", "delivery", "redelivery"}, f.Check) {
			t.Errorf("%s was judged: %s", f.Check, f.Description)
		}
	}
	r, none := lab{}.run(), 0
	r.Objectives.Redelivered = &none
	want(t, judge(t, r), "redelivery", record.Vacuous, "no consumer")
}
