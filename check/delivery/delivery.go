// Package delivery judges what each consumer of a stream received. It makes three checks: no
// message came for the first time after a later one of its stream; every
// acknowledged message which the stream holds had come when the load was over
// and the consumer had fetched the rest, and none that the stream does not
// hold; and, if an objective says so, few came more than once, which a
// system that delivers at least once may do.
package delivery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/record"
)

// Check judges every consumer of the run; a run without one has a finding on
// redelivery alone, and only if that has an objective.
func Check(run *index.Run) ([]record.Deliveries, []record.Finding) {
	keys := run.Keys()
	if len(keys.Consumers) == 0 {
		return nil, judgeRedelivery(nil, run.Objectives.Redelivered)
	}
	nodes := run.Readers()
	streams := map[string]*streamLog{}
	for _, k := range keys.Streams {
		streams[k.Name] = newStreamLog(k, nodes)
	}
	var all []*deliveries
	var figures []record.Deliveries
	for _, k := range keys.Consumers {
		name, _, _ := strings.Cut(k.Name, "/")
		s := streams[name]
		if s == nil {
			s = &streamLog{place: map[string]int{}}
		}
		d := newDeliveries(k, s)
		all = append(all, d)
		figures = append(figures, d.figures)
	}
	return figures, slices.Concat([]record.Finding{judgeOrder(all), judgeDelivery(all)}, judgeRedelivery(all, run.Objectives.Redelivered))
}

func judgeOrder(all []*deliveries) record.Finding {
	f := record.Finding{Check: "message order", Verdict: record.Pass}
	delivered, again := 0, 0
	for _, d := range all {
		delivered += d.figures.Delivered
		again += d.figures.Redelivered
		f.Evidence = append(f.Evidence, d.disordered...)
	}
	switch {
	case len(f.Evidence) > 0:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("%s out of order, first: %s", format.Count(len(f.Evidence), "message"), f.Evidence[0])
	case delivered == 0:
		f.Verdict, f.Description = record.Vacuous, "no consumer received anything"
	default:
		f.Description = fmt.Sprintf("%s to %s, each in order; %d redelivered", format.Count(delivered, "message"), format.Count(len(all), "consumer"), again)
	}
	f.Evidence = format.First(f.Evidence)
	return f
}

func judgeDelivery(all []*deliveries) record.Finding {
	f := record.Finding{Check: "delivery", Verdict: record.Pass}
	due, missing, unknown := 0, 0, ""
	var unexpected []string
	for _, d := range all {
		due += len(d.stream.due)
		switch {
		case d.stream.full:
			unexpected = append(unexpected, d.unexpected...)
		case len(d.unexpected) > 0:
			unknown = d.unexpected[0] + " as far as it was read back, which was not through every node"
		}
		switch {
		case len(d.missing) == 0 && d.stream.read:
		case !d.stream.read:
			unknown = "what the stream holds was not read back"
		case d.drained:
			missing += len(d.missing)
			for _, m := range d.missing {
				f.Evidence = append(f.Evidence, fmt.Sprintf("%s never received %s", d.figures.Consumer, m))
			}
		case d.fetchError != "":
			unknown = fmt.Sprintf("%s could not fetch the rest: %s", d.figures.Consumer, d.fetchError)
		default:
			unknown = d.figures.Consumer + " had not reached the end of the stream when the run was over"
		}
	}
	f.Evidence = append(f.Evidence, unexpected...)
	switch {
	case missing > 0:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("%s of %d did not arrive, first: %s", format.Count(missing, "message"), due, f.Evidence[0])
	case len(unexpected) > 0:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("%s arrived that the stream does not hold, first: %s", format.Count(len(unexpected), "message"), unexpected[0])
	case unknown != "":
		f.Verdict, f.Description = record.Unknown, "cannot be determined: "+unknown
	case due == 0:
		f.Verdict, f.Description = record.Vacuous, "no message was acknowledged, so none was due"
	default:
		f.Description = fmt.Sprintf("every acknowledged message arrived at each of %s", format.Count(len(all), "consumer"))
	}
	f.Evidence = format.First(f.Evidence)
	return f
}

func judgeRedelivery(all []*deliveries, allowed *int) []record.Finding {
	if allowed == nil {
		return nil
	}
	f := record.Finding{Check: "redelivery", Verdict: record.Pass}
	if len(all) == 0 {
		f.Verdict, f.Description = record.Vacuous, "there was no consumer to receive anything"
		return []record.Finding{f}
	}
	worst := slices.MaxFunc(all, func(a, b *deliveries) int { return cmp.Compare(a.figures.Redelivered, b.figures.Redelivered) })
	f.Description = fmt.Sprintf("%s received %s again", worst.figures.Consumer, format.Count(worst.figures.Redelivered, "message"))
	if worst.figures.Redelivered > *allowed {
		f.Verdict = record.Fail
		f.Description += fmt.Sprintf(" > %d", *allowed)
	}
	return []record.Finding{f}
}
