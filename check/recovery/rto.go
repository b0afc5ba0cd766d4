package recovery

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// RTO judges whether every client that had to be served was served again, and
// for good, within the objective, and whether the stages with a budget kept to it.
func RTO(run *index.Run) (*record.RTO, []record.Finding) {
	all := newSeries(run)
	out := &record.RTO{Objective: run.Objectives.RTO, Resolution: run.SLO.Bucket, Recovered: true}
	var (
		worst       *recovery
		worstOfEach []*recovery // the worst of each episode
		perEpisode  []time.Duration
		verdicts    []record.Verdict
		evidence    []string
		reasons     []string // for a verdict that is neither pass nor fail
	)
	for _, e := range run.Episodes() {
		longest := record.NotReached
		var here *recovery
		for _, s := range all {
			r := s.recover(run, e)
			out.Series = append(out.Series, r.RTOSeries)
			verdict, line := r.verdict(run, s)
			evidence = append(evidence, line)
			if verdict == "" {
				continue
			}
			verdicts = append(verdicts, verdict)
			if verdict == record.Unknown || verdict == record.Vacuous {
				reasons = append(reasons, line)
				continue
			}
			longest = max(longest, r.RTO)
			if here == nil || r.worse(here) {
				here = &r
			}
		}
		if here != nil {
			worstOfEach = append(worstOfEach, here)
			if worst == nil || here.worse(worst) {
				worst = here
			}
		}
		if longest >= 0 {
			perEpisode = append(perEpisode, longest)
		}
	}
	f := record.Finding{Check: "rto", Verdict: record.Worst(verdicts...), Evidence: evidence}
	if worst != nil {
		out.Worst, out.Recovered = worst.RTO, worst.Recovered
		slices.Sort(perEpisode)
		out.Min, out.Median, out.Max = perEpisode[0], history.Percentile(perEpisode, 50), perEpisode[len(perEpisode)-1]
		out.Stages = stages(run, worst)
	}
	switch {
	case len(all) == 0:
		f.Description = "RTO not measured: no load was recorded"
	case len(verdicts) == 0:
		f.Description = "RTO not measured: no clients had to be served after the faults"
	case f.Verdict == record.Unknown || f.Verdict == record.Vacuous:
		f.Description = "RTO not measured: " + strings.Join(reasons[:1], "")
		if n := len(reasons) - 1; n > 0 {
			f.Description += fmt.Sprintf(" (and %d more)", n)
		}
	default:
		f.Description = describeRTO(out, worst, len(perEpisode))
	}
	return out, append([]record.Finding{f}, judgeStages(run, worstOfEach)...)
}

// verdict judges one series in one episode; it is empty for one that did not have
// to be served.
func (r *recovery) verdict(run *index.Run, s *series) (record.Verdict, string) {
	name, objective := r.name(), run.Objectives.RTO
	from := ""
	if r.FromHeal {
		from = " from heal"
	}
	switch {
	case s.share < 0:
		return record.Vacuous, name + ": no baseline to compare with"
	case s.share < run.SLO.MinBaseline:
		return record.Vacuous, fmt.Sprintf("%s: only %s of the baseline was good, and %s are needed to compare with", name, format.Percent(s.share), format.Percent(run.SLO.MinBaseline))
	case !r.Recovered && (run.Record.AbortReason != "" || !run.Complete()) && r.RTO <= objective:
		return record.Unknown, fmt.Sprintf("%s: not recovered in %s%s, when the run was cut off", name, duration.Format(r.RTO), from)
	case !r.Recovered:
		return record.Fail, fmt.Sprintf("%s: not recovered in %s%s", name, duration.Format(r.RTO), from)
	case !r.judged:
		return "", name + ": could not be served by design until the end of the episode"
	case r.RTO > objective:
		return record.Fail, fmt.Sprintf("%s: RTO %s%s, longest outage %s", name, duration.Format(r.RTO), from, duration.Format(r.LongestOutage))
	case r.unsure != "":
		return record.Unknown, name + ": " + r.unsure
	case len(r.Outages) == 0:
		return record.Pass, name + ": no outage" + from
	default:
		return record.Pass, fmt.Sprintf("%s: RTO %s%s, longest outage %s", name, duration.Format(r.RTO), from, duration.Format(r.LongestOutage))
	}
}

// describeRTO is the line that everyone reads.
func describeRTO(out *record.RTO, worst *recovery, episodes int) string {
	var b strings.Builder
	if !worst.Recovered {
		fmt.Fprintf(&b, "%s not recovered in %s, RTO %s", worst.name(), duration.Format(worst.RTO), duration.Exact(out.Objective))
	} else {
		sign := "≤"
		if worst.RTO > out.Objective {
			sign = ">"
		}
		fmt.Fprintf(&b, "RTO %s (±%s) %s %s", duration.Format(worst.RTO), duration.Exact(out.Resolution), sign, duration.Exact(out.Objective))
		if worst.RTO > 0 {
			fmt.Fprintf(&b, ", worst: %s", worst.name())
		}
	}
	if worst.FromHeal {
		b.WriteString(", counted from heal")
	}
	if episodes > 1 {
		fmt.Fprintf(&b, "; min %s, median %s, max %s over %d episodes", duration.Format(out.Min), duration.Format(out.Median), duration.Format(out.Max), episodes)
	}
	if worst.RTO > out.Objective || !worst.Recovered {
		if s := longestStage(out.Stages); s != "" {
			fmt.Fprintf(&b, "; %s", s)
		}
	}
	return b.String()
}
