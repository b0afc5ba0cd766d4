package reports

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// firstError is the first bad operation after the first fault, or of the whole run
// where there was no fault, with the events around it.
type firstError struct {
	After   string // how long after which fault
	Facts   []fact
	Around  []row // the nearest events before and after, in order
	Earlier int   // bad operations before the first fault
}

// fact is a name and its value.
type fact struct {
	Name, Value string
	Mono        bool
}

const eventsAround = 4 // on each side

func firstErrorOf(r *record.Run) *firstError {
	fault, limit := firstFault(r), judgedSLOParams(r).Latency
	var first *history.Op
	e := &firstError{}
	for i := range r.Ops {
		op := &r.Ops[i]
		if op.Final || op.Good(limit) {
			continue
		}
		if fault != record.NotReached && op.Intended < fault && op.Return < fault {
			e.Earlier++
			continue
		}
		if first == nil || op.Intended < first.Intended || op.Intended == first.Intended && op.ID < first.ID {
			first = op
		}
	}
	if first == nil {
		return nil
	}
	e.After = "no fault was requested"
	if fault != record.NotReached {
		e.After = duration.OrNever(first.Intended-fault) + " after the first fault was requested"
		if first.Intended < fault {
			e.After = "under way when the first fault was requested (sent " + duration.OrNever(fault-first.Intended) + " before)"
		}
	}
	e.Facts = opFacts(first, limit)
	e.Around = around(r.Events, first.Intended)
	return e
}

func opFacts(op *history.Op, limit time.Duration) []fact {
	out := []fact{
		{"operation", fmt.Sprintf("%d, client %d in %s", op.ID, op.Client, clean(string(op.Region))), false},
		{"asked", describeOp(op), true},
		{"outcome", describeOutcome(op, limit), false},
		{"intended", fmt.Sprintf("%s, sent %s, known %s (%s from intended)", at(op.Intended), at(op.Call), at(op.Return), duration.OrNever(op.Latency())), false},
	}
	if op.Error != "" {
		out = append(out, fact{"error", clean(op.Error), true})
	}
	if op.Node != "" {
		out = append(out, fact{"answered by", fmt.Sprintf("%s%s", clean(string(op.Node)), describeTerm(op)), false})
	}
	return out
}

// describeOp is an operation in a few words, such as "write k1 = v7".
func describeOp(op *history.Op) string {
	k := clean(op.Key)
	switch op.Kind {
	case history.Read:
		return "read " + k
	case history.SetRead:
		return "read set " + k
	case history.CAS:
		return fmt.Sprintf("cas %s from %s to %s", k, clean(op.Expect), clean(op.Value))
	case history.Add:
		return fmt.Sprintf("add %s to %s", clean(op.Value), k)
	case history.Transfer:
		return fmt.Sprintf("transfer %d from %s to %s of %s", op.Amount, clean(op.From), clean(op.To), k)
	case history.Balances:
		return "balances of " + k
	case history.Publish:
		return fmt.Sprintf("publish %s to %s", clean(op.Value), k)
	case history.Consume:
		return "consume as " + k
	case history.Messages:
		return "messages of " + k
	default:
		return fmt.Sprintf("%s %s = %s", clean(string(op.Kind)), k, clean(op.Value))
	}
}

func describeOutcome(op *history.Op, limit time.Duration) string {
	switch op.Outcome {
	case history.OK:
		return "ok, but too late: the limit is " + duration.OrNever(limit)
	case history.Failed:
		return "failed: proved to have had no effect"
	default:
		return "unknown: it may take effect at any later time"
	}
}

func describeTerm(op *history.Op) string {
	s := ""
	if op.Term != 0 {
		s += fmt.Sprintf(" in term %d", op.Term)
	}
	if op.Revision != 0 {
		s += fmt.Sprintf(" at revision %d", op.Revision)
	}
	return s
}

// around picks the events nearest to an instant. Events are in order of time.
func around(events []record.Event, t time.Duration) []row {
	next := len(events)
	for i := range events {
		if events[i].At >= t {
			next = i
			break
		}
	}
	var out []row
	for _, ev := range events[max(0, next-eventsAround):min(len(events), next+eventsAround)] {
		w := eventRow(ev)
		if d := ev.At - t; d < 0 {
			w.Note = duration.OrNever(-d) + " before"
		} else {
			w.Note = duration.OrNever(d) + " after"
		}
		out = append(out, w)
	}
	return out
}
