package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/record"
)

// judgeRTO asks: was every client that had to be served served again, and
// for good, within the objective?
func judgeRTO(_ context.Context, v *view, j *record.Result) []record.Finding {
	all := v.series()
	out := &record.RTO{Objective: v.obj.RTO, Resolution: v.def.Bucket, Recovered: true}
	j.RTO = out
	var (
		worst    *recovery
		each     []*recovery // the worst of each episode
		perGo    []time.Duration
		verdicts []record.Verdict
		evidence []string
		reasons  []string // for a verdict that is neither pass nor fail
	)
	for _, e := range v.episodes() {
		longest := record.NotReached
		var here *recovery
		for _, s := range all {
			r := s.recover(v, e)
			out.Series = append(out.Series, r.RTOSeries)
			verdict, says := r.verdict(v, s)
			evidence = append(evidence, says)
			if verdict == "" {
				continue
			}
			verdicts = append(verdicts, verdict)
			if verdict == record.Unknown || verdict == record.Vacuous {
				reasons = append(reasons, says)
				continue
			}
			longest = max(longest, r.RTO)
			if here == nil || r.worse(here) {
				here = &r
			}
		}
		if here != nil {
			each = append(each, here)
			if worst == nil || here.worse(worst) {
				worst = here
			}
		}
		if longest >= 0 {
			perGo = append(perGo, longest)
		}
	}
	f := record.Finding{Check: "rto", Verdict: record.Worst(verdicts...), Evidence: evidence}
	if worst != nil {
		out.Worst, out.Recovered = worst.RTO, worst.Recovered
		slices.Sort(perGo)
		out.Min, out.Median, out.Max = perGo[0], perGo[(len(perGo)-1)/2], perGo[len(perGo)-1]
		out.Stages = v.stages(worst)
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
		f.Description = v.saysRTO(out, worst, len(perGo))
	}
	return append([]record.Finding{f}, v.judgeStages(each)...)
}

func (r *recovery) worse(than *recovery) bool {
	if r.Recovered != than.Recovered {
		return !r.Recovered
	}
	return r.RTO > than.RTO
}

func (r *recovery) name() string {
	s := fmt.Sprintf("%s %ss", r.Region, r.Class)
	if r.Episode > 1 {
		s += fmt.Sprintf(" in episode %d", r.Episode)
	}
	return s
}

// verdict judges one series in one episode; none means that it did not have
// to be served.
func (r *recovery) verdict(v *view, s *series) (record.Verdict, string) {
	name := r.name()
	from := ""
	if r.FromHeal {
		from = " from heal"
	}
	switch {
	case s.share < 0:
		return record.Vacuous, name + ": no baseline to compare with"
	case s.share < v.def.MinBaseline:
		return record.Vacuous, fmt.Sprintf("%s: only %s of the baseline was good, its floor is %s", name, percent(s.share), percent(v.def.MinBaseline))
	case !r.Recovered && (v.run.AbortReason != "" || !v.whole()) && r.RTO <= v.obj.RTO:
		return record.Unknown, fmt.Sprintf("%s: not recovered in %s%s, when the run was cut off", name, seconds(r.RTO), from)
	case !r.Recovered:
		return record.Fail, fmt.Sprintf("%s: not recovered in %s%s", name, seconds(r.RTO), from)
	case !r.judged:
		return "", name + ": could not be served by design until the end of the episode"
	case r.RTO > v.obj.RTO:
		return record.Fail, fmt.Sprintf("%s: RTO %s%s, longest outage %s", name, seconds(r.RTO), from, seconds(r.LongestOutage))
	case r.unsure != "":
		return record.Unknown, name + ": " + r.unsure
	case len(r.Outages) == 0:
		return record.Pass, name + ": no outage" + from
	default:
		return record.Pass, fmt.Sprintf("%s: RTO %s%s, longest outage %s", name, seconds(r.RTO), from, seconds(r.LongestOutage))
	}
}

// saysRTO is the line that everyone reads.
func (v *view) saysRTO(out *record.RTO, worst *recovery, episodes int) string {
	var b strings.Builder
	if !worst.Recovered {
		fmt.Fprintf(&b, "%s not recovered in %s, RTO %s", worst.name(), seconds(worst.RTO), exactly(v.obj.RTO))
	} else {
		sign := "≤"
		if worst.RTO > v.obj.RTO {
			sign = ">"
		}
		fmt.Fprintf(&b, "RTO %s (±%s) %s %s", seconds(worst.RTO), exactly(out.Resolution), sign, exactly(v.obj.RTO))
		if worst.RTO > 0 {
			fmt.Fprintf(&b, ", worst: %s", worst.name())
		}
	}
	if worst.FromHeal {
		b.WriteString(", counted from heal")
	}
	if episodes > 1 {
		fmt.Fprintf(&b, "; min %s, median %s, max %s over %d episodes", seconds(out.Min), seconds(out.Median), seconds(out.Max), episodes)
	}
	if worst.RTO > v.obj.RTO || !worst.Recovered {
		if s := longestStage(out.Stages); s != "" {
			fmt.Fprintf(&b, "; %s", s)
		}
	}
	return b.String()
}
