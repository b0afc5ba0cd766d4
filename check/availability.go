package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// judgeAvailability measures the share of good operations of clients that had
// to be served, from the first fault to the end of observation, and asks that
// every kind of operation succeeded at least once: a kind that never did was not put to the test.
func judgeAvailability(_ context.Context, v *view, j *record.Result) []record.Finding {
	var (
		out   = &record.Availability{Objective: v.obj.Availability}
		all   = v.series()
		hists = make([]*hdrhistogram.Histogram, len(all))
		kinds = map[history.Kind][2]int{} // tried, succeeded
	)
	j.Availability = out
	place := map[[2]string]int{}
	for i, s := range all {
		place[[2]string{string(s.region), string(s.class)}] = i
		out.Series = append(out.Series, record.AvailabilitySeries{Region: s.region, Class: s.class})
		hists[i] = hdrhistogram.New(1, int64(time.Hour/time.Microsecond), 3)
	}
	for i := range v.run.Ops {
		op := &v.run.Ops[i]
		if op.Final {
			continue
		}
		k := kinds[op.Kind]
		k[0]++
		if op.Outcome == history.OK {
			k[1]++
		}
		kinds[op.Kind] = k
		if op.Intended < v.start || op.Intended >= v.end || op.Class() == history.LocalRead {
			continue
		}
		n, known := place[[2]string{string(op.Region), string(op.Kind.Class())}]
		if !known {
			continue // its only operations are past the end
		}
		s := &out.Series[n]
		if _, cut := at(v.damage.unserved[op.Region], op.Intended); cut {
			s.Minority++
			continue
		}
		s.Due++
		if good(op, v.def) {
			s.Good++
		}
		if op.Error == history.Dropped {
			s.Dropped++
		}
		if op.Outcome == history.OK {
			latency := max(0, op.Return-op.Intended)
			s.Max = max(s.Max, latency)
			_ = hists[n].RecordValue(min(int64(latency/time.Microsecond), int64(time.Hour/time.Microsecond))) // in range
		}
	}
	due, served := 0, 0
	var evidence []string
	for i := range out.Series {
		s := &out.Series[i]
		s.P50 = min(s.Max, time.Duration(hists[i].ValueAtQuantile(50))*time.Microsecond)
		s.P99 = min(s.Max, time.Duration(hists[i].ValueAtQuantile(99))*time.Microsecond)
		due, served = due+s.Due, served+s.Good
		evidence = append(evidence, saysSeries(s))
	}
	f := record.Finding{Check: "availability", Verdict: record.Pass, Evidence: evidence}
	if due > 0 {
		out.Overall = float64(served) / float64(due)
	}
	switch share := percent(out.Overall); {
	case due == 0:
		f.Verdict, f.Description = record.Vacuous, "no operation was due of clients that had to be served"
	case v.obj.Availability == 0:
		f.Description = fmt.Sprintf("%s of %d operations good (not judged)", share, due)
	case out.Overall < v.obj.Availability:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("%s of %d operations good < %s", share, due, percent(v.obj.Availability))
	default:
		f.Description = fmt.Sprintf("%s of %d operations good ≥ %s", share, due, percent(v.obj.Availability))
	}
	return append([]record.Finding{f}, findKinds(kinds)...)
}

func saysSeries(s *record.AvailabilitySeries) string {
	share := "nothing due"
	if s.Due > 0 {
		share = fmt.Sprintf("%s of %d good", percent(float64(s.Good)/float64(s.Due)), s.Due)
	}
	says := fmt.Sprintf("%s %ss: %s, p50 %s, p99 %s, max %s", s.Region, s.Class, share, seconds(s.P50), seconds(s.P99), seconds(s.Max))
	if s.Dropped > 0 {
		says += fmt.Sprintf(", %d not sent", s.Dropped)
	}
	if s.Minority > 0 {
		says += fmt.Sprintf("; %d more due in a minority: unavailable as designed", s.Minority)
	}
	return says
}

// findKinds names the kinds of operation that never succeeded.
func findKinds(kinds map[history.Kind][2]int) []record.Finding {
	var never []string
	for k, n := range kinds {
		if n[1] == 0 {
			never = append(never, fmt.Sprintf("%s (%d tried)", k, n[0]))
		}
	}
	slices.Sort(never)
	f := record.Finding{Check: "every kind succeeds", Verdict: record.Pass, Description: count(len(kinds), "kind") + " of operation"}
	switch {
	case len(kinds) == 0:
		f.Verdict, f.Description = record.Vacuous, "no operation was sent"
	case len(never) > 0:
		f.Verdict, f.Description = record.Vacuous, "never succeeded: "+strings.Join(never, ", ")
	}
	return []record.Finding{f}
}
