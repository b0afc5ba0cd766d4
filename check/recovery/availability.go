package recovery

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/interference"
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
	excused   int             // bad ones that overlap an interference
	counted   bool            // an operation of it lies in a whole bucket before the end of observation
}

// Availability measures the share of good operations of clients that had
// to be served by the side with a quorum, from the first fault to the end of observation, and judges whether
// every kind of operation succeeded at least once: a kind that never did was not put to the test.
func Availability(run *index.Run) (*record.Availability, []record.Finding) {
	all := map[goodput.Key]*availability{}
	counter := goodput.Counter{End: run.End / run.SLO.Bucket * run.SLO.Bucket}
	kinds := map[history.Kind]successes{}
	var baseline successes
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
			_, lost := quorum.At(run.Quorum.RegionMayLackQuorum[op.Region], op.Intended)
			_, cutOff := answeredByCutOff(run, op)
			if cutOff {
				a.CutOff++
			} else {
				a.add(op, run.SLO.Latency, lost)
			}
			if !lost && !cutOff && !op.Good(run.SLO.Latency) && interference.Touches(run.Interference, op.Intended, op.Return) {
				a.excused++
			}
		}
		if op.Intended >= run.Baseline.From && op.Intended < run.Baseline.To-run.SLO.Latency {
			if baseline.tried++; op.Good(run.SLO.Latency) {
				baseline.succeeded++
			}
		}
	}
	out := &record.Availability{Objective: run.Objectives.Availability}
	due, good, excused := 0, 0, 0
	var latencies []time.Duration
	var evidence []string
	regions := run.Record.Topology.Regions()
	for _, key := range slices.SortedFunc(maps.Keys(all), func(a, b goodput.Key) int { return compareKeys(regions, a, b) }) {
		a := all[key]
		if !a.counted {
			continue
		}
		slices.Sort(a.latencies)
		a.P50, a.P99, a.Max = history.Percentile(a.latencies, 50), history.Percentile(a.latencies, 99), history.Percentile(a.latencies, 100)
		out.CutOff += a.CutOff
		due, good, excused = due+a.Due, good+a.Good, excused+a.excused
		latencies = append(latencies, a.latencies...)
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
	f.Description += servedByCutOff(out.CutOff)
	without := f
	if due > 0 && float64(good+excused)/float64(due) >= out.Objective {
		without.Verdict, without.Description = record.Pass, fmt.Sprintf("%s of %d operations good", format.Percent(float64(good+excused)/float64(due)), due)
	}
	fs := append([]record.Finding{f}, judgeLatency(run, latencies)...)
	if len(run.Interference) > 0 {
		excuse(run, &fs[0], without)
	}
	if share := float64(baseline.succeeded) / float64(max(1, baseline.tried)); baseline.tried > 0 && share < run.SLO.MinBaseline {
		for i := range fs {
			if fs[i].Verdict == record.Fail {
				fs[i].Verdict, fs[i].Cause = record.Vacuous, record.CauseSystem
				fs[i].Description += fmt.Sprintf(", but only %s of the baseline was good before any fault", format.Percent(share))
			}
		}
	}
	return out, append(fs, judgeKinds(kinds))
}

// judgeLatency holds percentiles of the latency under fault to their objectives, where there are any.
func judgeLatency(run *index.Run, latencies []time.Duration) []record.Finding {
	if len(run.Objectives.Latency) == 0 {
		return nil
	}
	f := record.Finding{Check: "latency", Verdict: record.Pass}
	if len(latencies) == 0 {
		f.Verdict, f.Description = record.Vacuous, "no operation was acknowledged after the first fault"
		return []record.Finding{f}
	}
	slices.Sort(latencies)
	var parts []string
	percents := record.Percentiles()
	names := slices.SortedFunc(maps.Keys(run.Objectives.Latency), func(a, b string) int { return cmp.Compare(percents[a], percents[b]) })
	for _, name := range names {
		limit, got, sign := run.Objectives.Latency[name], history.Percentile(latencies, percents[name]), "≤"
		if got > limit {
			f.Verdict, sign = record.Fail, ">"
		}
		parts = append(parts, fmt.Sprintf("%s %s %s %s", name, duration.Format(got), sign, duration.Exact(limit)))
	}
	f.Description = fmt.Sprintf("%s, of %s", strings.Join(parts, ", "), format.Count(len(latencies), "acknowledged operation"))
	if f.Verdict == record.Fail && len(run.Interference) > 0 {
		f.Verdict, f.Cause = record.Unknown, interference.CauseOf(run.Interference)
		f.Description = "cannot be told: " + f.Description + "; but " + interference.Summarize(run.Interference)
	}
	return []record.Finding{f}
}

func (a *availability) add(op *history.Op, limit time.Duration, quorumLost bool) {
	if quorumLost {
		a.DueWithoutQuorum++
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
	if s.DueWithoutQuorum > 0 {
		line += fmt.Sprintf("; %d more were due without a quorum: unavailable by design", s.DueWithoutQuorum)
	}
	return line + servedByCutOff(s.CutOff)
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
