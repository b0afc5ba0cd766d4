package recovery

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/interference"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// RTO judges whether every client that had to be served was served again, and
// for good, within the objective, and whether the stages with a budget kept to it.
//
// Where the harness or the machine interfered, two readings bound what the system did: the strict
// one charges everything to it, the lenient one nothing that overlaps the interference. A pass
// must hold in the strict reading, and a fail in the lenient one; otherwise the finding is unknown.
func RTO(run *index.Run) (*record.RTO, []record.Finding) {
	m := measure(run, strict)
	out := m.figures(run)
	findings := append([]record.Finding{m.finding(run, out)}, judgeStages(run, m.worstOfEach)...)
	if len(run.Interference) == 0 {
		return out, findings
	}
	l := measure(run, lenient)
	without := l.figures(run)
	excused := append([]record.Finding{l.finding(run, without)}, judgeStages(run, l.worstOfEach)...)
	for i := range findings {
		excuse(run, &findings[i], excused[i])
	}
	if findings[0].Verdict == record.Pass && out.Worst-without.Worst > out.Resolution {
		out.UpperBound, out.Lenient = true, without.Worst
		findings[0].Description += fmt.Sprintf("; this is a bound: %s, and without what that touched it is %s", interference.Summarize(run.Interference), duration.Format(without.Worst))
	}
	return out, findings
}

// excuse makes a finding unknown that fails only, or is open only, because of what overlapped an interference.
func excuse(run *index.Run, f *record.Finding, without record.Finding) {
	if f.Verdict == record.Pass || without.Verdict != record.Pass && (without.Verdict == record.Fail || f.Verdict != record.Fail) {
		return
	}
	f.Evidence = append(interference.Describe(run.Interference), f.Evidence...)
	f.Description = fmt.Sprintf("cannot be told: %s; but %s, and without what that touched: %s", f.Description, interference.Summarize(run.Interference), without.Description)
	f.Verdict, f.Cause = record.Unknown, interference.CauseOf(run.Interference)
}

// measurement is what became of every series in every episode, in one reading.
type measurement struct {
	load        bool // any was recorded
	series      []record.RTOSeries
	worst       *recovery
	worstOfEach []*recovery // the worst of each episode
	perEpisode  []time.Duration
	verdicts    []record.Verdict
	causes      []record.Cause
	evidence    []string
	reasons     []string // for a verdict that is neither pass nor fail
}

func measure(run *index.Run, as reading) *measurement {
	all := newSeries(run, as)
	m := &measurement{load: len(all) > 0}
	for _, e := range run.Episodes() {
		longest := record.NotReached
		var here *recovery
		for _, s := range all {
			r := s.recover(run, e)
			m.series = append(m.series, r.RTOSeries)
			verdict, cause, line := r.verdict(run, s)
			m.evidence = append(m.evidence, line)
			if verdict == "" {
				continue
			}
			m.verdicts, m.causes = append(m.verdicts, verdict), append(m.causes, cause)
			if verdict == record.Unknown || verdict == record.Vacuous {
				m.reasons = append(m.reasons, line)
				continue
			}
			longest = max(longest, r.RTO)
			if here == nil || r.worse(here) {
				here = &r
			}
		}
		if here != nil {
			m.worstOfEach = append(m.worstOfEach, here)
			if m.worst == nil || here.worse(m.worst) {
				m.worst = here
			}
		}
		if longest >= 0 {
			m.perEpisode = append(m.perEpisode, longest)
		}
	}
	return m
}

// figures are those of all episodes together.
func (m *measurement) figures(run *index.Run) *record.RTO {
	out := &record.RTO{Objective: run.Objectives.RTO, Resolution: run.SLO.Bucket, Recovered: true, Series: m.series}
	for _, s := range m.series {
		out.Resolution = max(out.Resolution, s.Resolution)
		out.CutOff += s.CutOff
	}
	if m.worst != nil {
		out.Worst, out.Recovered = m.worst.RTO, m.worst.Recovered
		sorted := slices.Sorted(slices.Values(m.perEpisode))
		out.Min, out.Median, out.Max = sorted[0], history.Percentile(sorted, 50), sorted[len(sorted)-1]
		out.Stages = stages(run, m.worst)
	}
	return out
}

// finding is the verdict on the objective.
func (m *measurement) finding(run *index.Run, out *record.RTO) record.Finding {
	f := record.Finding{Check: "rto", Verdict: record.Worst(m.verdicts...), Evidence: m.evidence}
	switch {
	case !m.load:
		f.Description = "RTO not measured: no load was recorded"
	case len(m.verdicts) == 0:
		f.Description = "RTO not measured: no clients had to be served after the faults"
	case f.Verdict == record.Unknown || f.Verdict == record.Vacuous:
		f.Description = "RTO not measured: " + strings.Join(m.reasons[:1], "")
		if n := len(m.reasons) - 1; n > 0 {
			f.Description += fmt.Sprintf(" (and %d more)", n)
		}
		for i, v := range m.verdicts {
			if v == f.Verdict {
				f.Cause = m.causes[i]
				break
			}
		}
	default:
		f.Description = describeRTO(out, m.worst, len(m.perEpisode))
		if len(run.Faults) == 0 {
			f.Description += ", but no fault was injected"
		}
	}
	f.Description += servedByCutOff(out.CutOff)
	return f
}

// verdict judges one series in one episode; it is empty for one that did not have
// to be served.
func (r *recovery) verdict(run *index.Run, s *series) (record.Verdict, record.Cause, string) {
	name, objective := r.name(), run.Objectives.RTO
	from := ""
	if r.FromHeal {
		from = " from heal"
	}
	measured := fmt.Sprintf("%s: RTO %s%s over %s, bad service for %s, longest outage %s", name, duration.Format(r.RTO), from, format.Count(r.Ops, "operation"), duration.Format(r.BadService), duration.Format(r.LongestOutage))
	cutOff := servedByCutOff(r.CutOff)
	measured += cutOff
	switch {
	case s.share < 0:
		return record.Vacuous, record.CauseScenario, name + ": no baseline to compare with"
	case s.share < run.SLO.MinBaseline:
		return record.Vacuous, record.CauseSystem, fmt.Sprintf("%s: only %s of the baseline was good, and %s are needed to compare with", name, format.Percent(s.share), format.Percent(run.SLO.MinBaseline))
	case s.unsteadyBaseline():
		return record.Vacuous, record.CauseSystem, fmt.Sprintf("%s: the baseline itself was never good for the %s that recovery asks for", name, duration.Exact(s.slo.Stable))
	case objective < r.Resolution:
		return record.Unknown, record.CauseScenario, fmt.Sprintf("%s: an objective of %s cannot be judged to within %s: raise the rate of the load", name, duration.Exact(objective), duration.Format(r.Resolution))
	case !r.Recovered && (run.Record.AbortReason != "" || !run.Complete()) && r.RTO <= objective:
		return record.Unknown, record.CauseEnvironment, fmt.Sprintf("%s: not recovered in %s%s, when the run was cut off", name, duration.Format(r.RTO), from)
	case !r.Recovered:
		return record.Fail, "", fmt.Sprintf("%s: not recovered in %s%s", name, duration.Format(r.RTO), from) + cutOff
	case !r.judged && r.CutOff > 0:
		return "", "", name + ": not served by a quorum until the end of the episode" + cutOff
	case !r.judged:
		return "", "", name + ": could not be served by design until the end of the episode"
	case r.RTO > objective:
		return record.Fail, "", measured
	case r.unsure != "":
		return record.Unknown, r.cause, name + ": " + r.unsure + cutOff
	case len(r.Outages) == 0:
		return record.Pass, "", fmt.Sprintf("%s: no outage%s in %s", name, from, format.Count(r.Ops, "operation")) + cutOff
	default:
		return record.Pass, "", measured
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
		if out.Recovered && out.Max <= out.Objective {
			fmt.Fprintf(&b, " (95 %% confidence that at least %.0f %% of such faults keep to it)", 100*leastShare(episodes))
		}
	}
	if worst.RTO > out.Objective || !worst.Recovered {
		if s := longestStage(out.Stages); s != "" {
			fmt.Fprintf(&b, "; %s", s)
		}
	}
	return b.String()
}

// leastShare is the lower bound, with 95 % confidence, of the share of successes when n of n trials
// succeeded: the p at which that has a probability of 5 % (Clopper and Pearson, 1934).
func leastShare(n int) float64 { return math.Pow(0.05, 1/float64(n)) }
