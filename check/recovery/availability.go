package recovery

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/quorum"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/history/goodput"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// availability is one series as it is being measured.
type availability struct {
	record.AvailabilitySeries
	latencies []time.Duration // of the acknowledged operations
	counted   bool            // an operation of it lies in a whole bucket before the end of observation
}

// Availability measures the share of good operations of clients that had
// to be served, from the first fault to the end of observation, and judges whether
// every kind of operation succeeded at least once: a kind that never did was not put to the test.
func Availability(run *index.Run) (*record.Availability, []record.Finding) {
	all := map[goodput.Key]*availability{}
	counter := goodput.Counter{End: run.End / run.SLO.Bucket * run.SLO.Bucket}
	kinds := map[history.Kind]successes{}
	for i := range run.Record.Ops {
		op := &run.Record.Ops[i]
		if op.Final {
			continue
		}
		k := kinds[op.Kind]
		k.tried++
		if op.Outcome == history.OK {
			k.succeeded++
		}
		kinds[op.Kind] = k
		if op.Class() == history.LocalRead {
			continue
		}
		key := goodput.KeyOf(op)
		a := all[key]
		if a == nil {
			a = &availability{AvailabilitySeries: record.AvailabilitySeries{Region: key.Region, Class: key.Class}}
			all[key] = a
		}
		a.counted = a.counted || counter.End > 0 && counter.Counts(op)
		if op.Intended >= run.Start && op.Intended < run.End {
			_, lost := quorum.At(run.Quorum.Unserved[op.Region], op.Intended)
			a.add(op, run.SLO.Latency, lost)
		}
	}
	out := &record.Availability{Objective: run.Objectives.Availability}
	due, good := 0, 0
	var evidence []string
	regions := run.Record.Topology.Regions()
	for _, key := range slices.SortedFunc(maps.Keys(all), func(a, b goodput.Key) int { return compareKeys(regions, a, b) }) {
		a := all[key]
		if !a.counted {
			continue
		}
		slices.Sort(a.latencies)
		a.P50, a.P99, a.Max = history.Percentile(a.latencies, 50), history.Percentile(a.latencies, 99), history.Percentile(a.latencies, 100)
		due, good = due+a.Due, good+a.Good
		out.Series = append(out.Series, a.AvailabilitySeries)
		evidence = append(evidence, describeSeries(&a.AvailabilitySeries))
	}
	f := record.Finding{Check: "availability", Verdict: record.Pass, Evidence: evidence}
	if due > 0 {
		out.Overall = float64(good) / float64(due)
	}
	switch share := format.Percent(out.Overall); {
	case due == 0:
		f.Verdict, f.Description = record.Vacuous, "no operation was due of clients that had to be served"
	case out.Objective == 0:
		f.Description = fmt.Sprintf("%s of %d operations good (not judged)", share, due)
	case out.Overall < out.Objective:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("%s of %d operations good < %s", share, due, format.Percent(out.Objective))
	default:
		f.Description = fmt.Sprintf("%s of %d operations good ≥ %s", share, due, format.Percent(out.Objective))
	}
	return out, []record.Finding{f, judgeKinds(kinds)}
}

func (a *availability) add(op *history.Op, limit time.Duration, quorumLost bool) {
	if quorumLost {
		a.Minority++
		return
	}
	a.Due++
	if op.Good(limit) {
		a.Good++
	}
	if op.Error == history.Dropped {
		a.Dropped++
	}
	if op.Outcome == history.OK {
		a.latencies = append(a.latencies, max(0, op.Latency()))
	}
}

func describeSeries(s *record.AvailabilitySeries) string {
	share := "nothing due"
	if s.Due > 0 {
		share = fmt.Sprintf("%s of %d good", format.Percent(float64(s.Good)/float64(s.Due)), s.Due)
	}
	line := fmt.Sprintf("%s %ss: %s, p50 %s, p99 %s, max %s", s.Region, s.Class, share, duration.Format(s.P50), duration.Format(s.P99), duration.Format(s.Max))
	if s.Dropped > 0 {
		line += fmt.Sprintf(", %d not sent", s.Dropped)
	}
	if s.Minority > 0 {
		line += fmt.Sprintf("; %d more were due without a quorum: unavailable by design", s.Minority)
	}
	return line
}

// successes counts the operations of one kind.
type successes struct{ tried, succeeded int }

// judgeKinds names the kinds of operation that never succeeded.
func judgeKinds(kinds map[history.Kind]successes) record.Finding {
	var never []string
	for kind, n := range kinds {
		if n.succeeded == 0 {
			never = append(never, fmt.Sprintf("%s (%d tried)", kind, n.tried))
		}
	}
	slices.Sort(never)
	f := record.Finding{Check: "every kind succeeds", Verdict: record.Pass, Description: format.Count(len(kinds), "kind") + " of operation"}
	switch {
	case len(kinds) == 0:
		f.Verdict, f.Description = record.Vacuous, "no operation was sent"
	case len(never) > 0:
		f.Verdict, f.Description = record.Vacuous, "never succeeded: "+strings.Join(never, ", ")
	}
	return f
}
