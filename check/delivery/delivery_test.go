package delivery_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/check"
	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// judge makes every check on a run in compressed time.
func judge(t *testing.T, r *record.Run) *record.Result {
	t.Helper()
	return check.Judge(t.Context(), r, check.Options{SLO: checktest.SLO})
}

func TestMessages(t *testing.T) {
	none := 0
	drop := func(op *history.Op, message string) {
		op.Set = slices.DeleteFunc(op.Set, func(m string) bool { return m == message })
	}
	for _, c := range []struct {
		name    string
		change  func(r *record.Run)
		check   string
		verdict record.Verdict
		phrase  string
	}{
		{"all is well", func(*record.Run) {}, "message order", record.Pass, "38 messages to 1 consumer, each in order; 0 redelivered"},
		{"all is well", func(*record.Run) {}, "delivery", record.Pass, "every acknowledged message arrived at each of 1 consumer"},
		{"all is well", func(*record.Run) {}, "rpo", record.Pass, "lost 0 of"},
		{"all is well", func(*record.Run) {}, "redelivery", record.Pass, "0 messages again"},
		{"two are swapped within one answer", func(r *record.Run) {
			op := checktest.Nth(r, history.Consume, 1)
			op.Set[2], op.Set[3] = op.Set[3], op.Set[2]
		}, "message order", record.Fail, "1 message out of order, first: feed/east-0 received m11 after m12"},
		{"two answers are swapped", func(r *record.Run) {
			a, b := checktest.Nth(r, history.Consume, 0), checktest.Nth(r, history.Consume, 1)
			a.Set, b.Set = b.Set, a.Set
		}, "message order", record.Fail, "8 messages out of order"},
		{"one is skipped and comes later", func(r *record.Run) {
			drop(checktest.Nth(r, history.Consume, 0), "m3")
			op := checktest.Nth(r, history.Consume, 2)
			op.Set = append(op.Set, "m3")
		}, "message order", record.Fail, "received m3 after"},
		{"an answer comes again: that is no disorder", func(r *record.Run) {
			a, b := checktest.Nth(r, history.Consume, 0), checktest.Nth(r, history.Consume, 1)
			b.Set = slices.Concat(a.Set, b.Set)
		}, "message order", record.Pass, "8 redelivered"},
		{"an answer comes again, and none may", func(r *record.Run) {
			a, b := checktest.Nth(r, history.Consume, 0), checktest.Nth(r, history.Consume, 1)
			b.Set = slices.Concat(a.Set, b.Set)
		}, "redelivery", record.Fail, "feed/east-0 received 8 messages again > 0"},
		{"what was delivered counts, acknowledged or not", func(r *record.Run) {
			checktest.Nth(r, history.Consume, 0).Outcome = history.Unknown
		}, "delivery", record.Pass, "every acknowledged message"},
		{"one never comes", func(r *record.Run) { drop(checktest.Nth(r, history.Consume, 0), "m3") }, "delivery", record.Fail, "1 message of 36 did not arrive, first: feed/east-0 never received m3"},
		{"one without an answer never comes", func(r *record.Run) { drop(checktest.Nth(r, history.Consume, 1), "m15") }, "delivery", record.Pass, "every acknowledged message"},
		{"one comes that nobody published", func(r *record.Run) {
			op := checktest.Nth(r, history.Consume, 1)
			op.Set = append(op.Set, "a ghost")
		}, "delivery", record.Fail, "1 message arrived that the stream does not hold, first: feed/east-0 received a ghost"},
		{"one without an answer comes, and is gone", func(r *record.Run) {
			op := checktest.Nth(r, history.Consume, 0)
			op.Set = append(op.Set, "m5")
		}, "delivery", record.Fail, "received m5, which the stream does not hold"},
		{"an acknowledged one comes, and is lost, which rpo reports", func(r *record.Run) {
			for i := range 3 {
				drop(checktest.Nth(r, history.Messages, i), "m3")
			}
		}, "delivery", record.Pass, "every acknowledged message"},
		{"one comes that a node holds which was not read", func(r *record.Run) {
			op := checktest.Nth(r, history.Consume, 1)
			op.Set = append(op.Set, "a ghost")
			checktest.Nth(r, history.Messages, 2).Outcome = history.Failed
		}, "delivery", record.Unknown, "not through every node"},
		{"one comes when the stream has been read", func(r *record.Run) {
			op := checktest.Nth(r, history.Consume, 1)
			op.Set, op.Return = append(op.Set, "m25"), time.Hour
		}, "delivery", record.Pass, "every acknowledged message"},
		{"the stream dropped its beginning", func(r *record.Run) {
			op := checktest.Nth(r, history.Consume, 0)
			op.Set = slices.Insert(op.Set, 0, "long ago")
			for i := range 3 {
				op := checktest.Nth(r, history.Messages, i)
				op.Revision = uint64(len(op.Set)) + 1
			}
		}, "delivery", record.Pass, "every acknowledged message"},
		{"the consumer could not fetch the rest", func(r *record.Run) {
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Kind == history.Consume && op.Final {
					op.Outcome, op.Set, op.Error = history.Failed, nil, "no server"
				}
			}
		}, "delivery", record.Unknown, "feed/east-0 could not fetch the rest: no server"},
		{"the stream was not read back", func(r *record.Run) {
			r.Ops = slices.DeleteFunc(r.Ops, func(op history.Op) bool { return op.Kind == history.Messages })
		}, "delivery", record.Unknown, "what the stream holds was not read back"},
		{"nothing was delivered", func(r *record.Run) {
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Kind == history.Consume {
					op.Set = nil
				}
			}
		}, "message order", record.Vacuous, "no consumer received anything"},
		{"the stream has lost one", func(r *record.Run) {
			for i := range 3 {
				drop(checktest.Nth(r, history.Messages, i), "m3")
			}
		}, "rpo", record.Fail, "publish feed=m3 acknowledged"},
		{"the stream has one twice", func(r *record.Run) {
			for i := range 3 {
				op := checktest.Nth(r, history.Messages, i)
				op.Set = slices.Insert(op.Set, 5, "m3")
			}
		}, "duplicates", record.Fail, "feed holds m3 twice"},
		{"a replica misses one", func(r *record.Run) { drop(checktest.Nth(r, history.Messages, 1), "m3") }, "divergence", record.Fail, "feed on north-1 misses m3"},
		{"a replica has another order", func(r *record.Run) {
			op := checktest.Nth(r, history.Messages, 2)
			op.Set[3], op.Set[4] = op.Set[4], op.Set[3]
		}, "divergence", record.Fail, "message 4 of feed is m3 on east-1 and m4 on south-1"},
		{"a message that was rejected is there", func(r *record.Run) { checktest.Nth(r, history.Publish, 3).Outcome = history.Failed }, "phantoms", record.Fail, "publish feed=m3 rejected"},
	} {
		t.Run(c.check+": "+c.name, func(t *testing.T) {
			r := checktest.NewStream().Finish()
			r.Objectives.Redelivered = &none
			c.change(r)
			checktest.Want(t, judge(t, r), c.check, c.verdict, c.phrase)
		})
	}
}

func TestMessagesAreCountedByConsumer(t *testing.T) {
	r := checktest.NewStream().Finish()
	op := checktest.Nth(r, history.Consume, 1)
	op.Set = append(slices.Clone(checktest.Nth(r, history.Consume, 0).Set[1:]), op.Set[1:]...)
	op.Set[8], op.Set[9] = op.Set[9], op.Set[8]
	got := judge(t, r).Deliveries
	want := []record.Deliveries{{Consumer: "feed/east-0", Delivered: 37, Redelivered: 7, Disordered: 1, Missing: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

func TestARunWithoutConsumersPromisesNoOrder(t *testing.T) {
	for _, f := range judge(t, checktest.Lab{}.Run()).Findings {
		if slices.Contains([]string{"message order", "delivery", "redelivery"}, f.Check) {
			t.Errorf("%s was judged: %s", f.Check, f.Description)
		}
	}
	r, none := checktest.Lab{}.Run(), 0
	r.Objectives.Redelivered = &none
	checktest.Want(t, judge(t, r), "redelivery", record.Vacuous, "no consumer")
}
