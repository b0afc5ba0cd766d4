package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// judgeMessages asks what each consumer was handed. Three promises: that no
// message came for the first time after a later one of its stream; that every
// acknowledged message which the stream holds had come when the load was over
// and the consumer had asked for the rest, and none that the stream does not
// hold; and, if an objective says so, that few came more than once, which a
// system that delivers at least once may do.
func judgeMessages(_ context.Context, v *view, j *record.Result) []record.Finding {
	x := v.index()
	if len(x.consumers) == 0 {
		return findRedelivery(nil, v.obj.Redelivered)
	}
	streams := map[string]*streamBook{}
	for _, o := range x.streams {
		streams[o.key] = newStreamBook(v, o)
	}
	var all []*deliveries
	for _, o := range x.consumers {
		name, _, _ := strings.Cut(o.key, "/")
		book := streams[name]
		if book == nil {
			book = &streamBook{place: map[string]int{}}
		}
		d := newDeliveries(v, o, book)
		all = append(all, d)
		j.Deliveries = append(j.Deliveries, d.figures)
	}
	return slices.Concat(findOrder(all), findDelivery(all), findRedelivery(all, v.obj.Redelivered))
}

// streamBook is a stream as it was in the end.
type streamBook struct {
	place map[string]int // of each message; 0, 1, …
	due   []string       // messages that were acknowledged and are there, in order
	read  bool           // back, through any node

	held    map[string]bool // by any node
	lost    map[string]bool // acknowledged and held by none, which rpo tells
	asked   time.Duration   // when the last of the final reads was called
	full    bool            // every node was read
	shorter bool            // it says that it does not hold its beginning any more
}

// invented says that a message which was handed over at some time is none of
// the stream's: it was refused, or nobody published it, or those that were not
// to see it yet have seen it. One that came after the stream was read may be
// there since, and one that came before all that it holds may have been dropped.
func (b *streamBook) invented(m string, at time.Duration, first bool) bool {
	return b.read && at <= b.asked && !b.held[m] && !b.lost[m] && !(b.shorter && first)
}

// newStreamBook takes the longest of the final reads; without one, the places
// that publishers were told.
func newStreamBook(v *view, o object) *streamBook {
	b := &streamBook{place: map[string]int{}, held: map[string]bool{}, lost: map[string]bool{}}
	var longest *history.Op
	ends := streamEnds(v, o)
	b.full = !slices.ContainsFunc(v.readers(), func(n topology.NodeID) bool { return ends[n] == nil })
	for _, op := range ends {
		b.asked = max(b.asked, op.Call)
		for _, m := range op.Set {
			b.held[m] = true
		}
		if longest == nil || len(op.Set) > len(longest.Set) {
			longest = op
		}
	}
	var acked []*history.Op
	for _, i := range o.ops {
		if op := &v.run.Ops[i]; op.Kind == history.Publish && op.Outcome == history.OK {
			acked = append(acked, op)
		}
	}
	if b.read = longest != nil; b.read {
		b.shorter = longest.Revision > uint64(len(longest.Set))
		for i, m := range longest.Set {
			if _, twice := b.place[m]; !twice {
				b.place[m] = i
			}
		}
	} else {
		for _, op := range acked {
			b.place[op.Value] = int(op.Revision)
		}
	}
	for _, op := range acked {
		if _, there := b.place[op.Value]; there { // a lost one is rpo's to tell
			b.due = append(b.due, op.Value)
		}
		b.lost[op.Value] = !b.held[op.Value]
	}
	slices.SortFunc(b.due, func(x, y string) int { return cmp.Compare(b.place[x], b.place[y]) })
	return b
}

// deliveries is what one consumer was handed.
type deliveries struct {
	figures  record.Deliveries
	disorder []string // messages that came after a later one
	missing  []string
	invented []string // messages that the stream does not hold
	stream   *streamBook
	drained  bool   // after the load it asked until there was no more
	stuck    string // why not
}

func newDeliveries(v *view, o object, s *streamBook) *deliveries {
	d := &deliveries{figures: record.Deliveries{Consumer: o.key}, stream: s}
	var ops []*history.Op
	for _, i := range o.ops {
		ops = append(ops, &v.run.Ops[i])
	}
	// A consumer's operations may overlap while they wait for their turn, but are
	// answered one after the other.
	slices.SortStableFunc(ops, func(a, b *history.Op) int { return cmp.Compare(a.Return, b.Return) })
	came, latest, last := map[string]bool{}, -1, ""
	for _, op := range ops {
		if op.Outcome != history.Failed {
			for _, m := range op.Set {
				if came[m] {
					d.figures.Redelivered++
					continue
				}
				came[m] = true
				d.figures.Delivered++
				if s.invented(m, op.Return, latest < 0) {
					d.invented = append(d.invented, fmt.Sprintf("%s was handed %s, which the stream does not hold, at %s", o.key, m, seconds(op.Return)))
				}
				at, known := s.place[m]
				switch {
				case !known: // nobody can say where it belongs
				case at < latest:
					d.disorder = append(d.disorder, fmt.Sprintf("%s was handed %s after %s, at %s", o.key, m, last, seconds(op.Return)))
				default:
					latest, last = at, m
				}
			}
		}
		if op.Final {
			d.drained = op.Outcome == history.OK && len(op.Set) == 0
			if d.stuck = ""; op.Outcome != history.OK {
				d.stuck = op.Error
			}
		}
	}
	for _, m := range s.due {
		if !came[m] {
			d.missing = append(d.missing, m)
		}
	}
	d.figures.Disordered, d.figures.Missing, d.figures.Unexpected = len(d.disorder), len(d.missing), len(d.invented)
	return d
}

func findOrder(all []*deliveries) []record.Finding {
	f := record.Finding{Check: "message order", Verdict: record.Pass}
	delivered, again := 0, 0
	for _, d := range all {
		delivered += d.figures.Delivered
		again += d.figures.Redelivered
		f.Evidence = append(f.Evidence, d.disorder...)
	}
	switch {
	case len(f.Evidence) > 0:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("%s out of order, first: %s", count(len(f.Evidence), "message"), f.Evidence[0])
	case delivered == 0:
		f.Verdict, f.Description = record.Vacuous, "no consumer was handed anything"
	default:
		f.Description = fmt.Sprintf("%s to %s, each in order; %d came again", count(delivered, "message"), count(len(all), "consumer"), again)
	}
	f.Evidence = f.Evidence[:min(len(f.Evidence), kept)]
	return []record.Finding{f}
}

func findDelivery(all []*deliveries) []record.Finding {
	f := record.Finding{Check: "delivery", Verdict: record.Pass}
	due, missing, unknown := 0, 0, ""
	var invented []string
	for _, d := range all {
		due += len(d.stream.due)
		switch {
		case d.stream.full:
			invented = append(invented, d.invented...)
		case len(d.invented) > 0:
			unknown = d.invented[0] + " as far as it was read back, which was not through every node"
		}
		switch {
		case len(d.missing) == 0 && d.stream.read:
		case !d.stream.read:
			unknown = "what the stream holds was not read back"
		case d.drained:
			missing += len(d.missing)
			for _, m := range d.missing {
				f.Evidence = append(f.Evidence, fmt.Sprintf("%s was never handed %s", d.figures.Consumer, m))
			}
		case d.stuck != "":
			unknown = fmt.Sprintf("%s could not ask for the rest: %s", d.figures.Consumer, d.stuck)
		default:
			unknown = d.figures.Consumer + " had not got to the end when the run was over"
		}
	}
	f.Evidence = append(f.Evidence, invented...)
	switch {
	case missing > 0:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("%s of %d did not come, first: %s", count(missing, "message"), due, f.Evidence[0])
	case len(invented) > 0:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("%s came that the stream does not hold, first: %s", count(len(invented), "message"), invented[0])
	case unknown != "":
		f.Verdict, f.Description = record.Unknown, "cannot be told: "+unknown
	case due == 0:
		f.Verdict, f.Description = record.Vacuous, "no message was acknowledged, so none was due"
	default:
		f.Description = fmt.Sprintf("every acknowledged message came to each of %s", count(len(all), "consumer"))
	}
	f.Evidence = f.Evidence[:min(len(f.Evidence), kept)]
	return []record.Finding{f}
}

func findRedelivery(all []*deliveries, most *int) []record.Finding {
	if most == nil {
		return nil
	}
	f := record.Finding{Check: "redelivery", Verdict: record.Pass}
	if len(all) == 0 {
		f.Verdict, f.Description = record.Vacuous, "there was no consumer to be handed anything"
		return []record.Finding{f}
	}
	worst := slices.MaxFunc(all, func(a, b *deliveries) int { return cmp.Compare(a.figures.Redelivered, b.figures.Redelivered) })
	f.Description = fmt.Sprintf("%s was handed %s again", worst.figures.Consumer, count(worst.figures.Redelivered, "message"))
	if worst.figures.Redelivered > *most {
		f.Verdict = record.Fail
		f.Description += fmt.Sprintf(" > %d", *most)
	}
	return []record.Finding{f}
}
