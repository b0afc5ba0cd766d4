package delivery

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// deliveries is what one consumer received.
type deliveries struct {
	figures    record.Deliveries
	disordered []string // a line for each message that came after a later one
	missing    []string // messages
	unexpected []string // a line for each message that the stream does not hold
	stream     *streamLog
	drained    bool   // after the load it fetched until there was no more
	fetchError string // why not
}

func newDeliveries(k keyindex.Key, s *streamLog) *deliveries {
	d := &deliveries{figures: record.Deliveries{Consumer: k.Name}, stream: s}
	// A consumer's operations may overlap while they wait for their turn, but are
	// answered one after the other.
	ops := slices.Clone(k.Ops)
	slices.SortStableFunc(ops, func(a, b *history.Op) int { return cmp.Compare(a.Return, b.Return) })
	p := progress{received: map[string]bool{}, latest: -1}
	for _, op := range ops {
		if op.Outcome != history.Failed {
			for _, m := range op.Set {
				d.deliver(op, m, &p)
			}
		}
		if op.Final {
			d.drained = op.Outcome == history.OK && len(op.Set) == 0
			if d.fetchError = ""; op.Outcome != history.OK {
				d.fetchError = op.Error
			}
		}
	}
	for _, m := range s.due {
		if !p.received[m] {
			d.missing = append(d.missing, m)
		}
	}
	d.figures.Disordered, d.figures.Missing, d.figures.Unexpected = len(d.disordered), len(d.missing), len(d.unexpected)
	return d
}

// progress is how far a consumer has got.
type progress struct {
	received map[string]bool
	latest   int    // the furthest place in the stream; -1 before the first
	last     string // the message there
}

// deliver notes a message that an operation returned.
func (d *deliveries) deliver(op *history.Op, m string, p *progress) {
	if p.received[m] {
		d.figures.Redelivered++
		return
	}
	p.received[m] = true
	d.figures.Delivered++
	if d.stream.unexpected(m, op.Return, p.latest < 0) {
		d.unexpected = append(d.unexpected, fmt.Sprintf("%s received %s, which the stream does not hold, at %s", d.figures.Consumer, m, duration.Format(op.Return)))
	}
	place, known := d.stream.place[m]
	switch {
	case !known: // nobody can say where it belongs
	case place < p.latest:
		d.disordered = append(d.disordered, fmt.Sprintf("%s received %s after %s, at %s", d.figures.Consumer, m, p.last, duration.Format(op.Return)))
	default:
		p.latest, p.last = place, m
	}
}
