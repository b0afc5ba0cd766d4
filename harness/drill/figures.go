package drill

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// most is how much evidence of one kind a failure message quotes.
const most = 5

// title names a run in a failure message.
func title(r *Result) string {
	return fmt.Sprintf("%s on %s (run %s, seed %d)", r.Scenario, r.Runtime, r.ID, r.Seed)
}

// pointers lead from a failed spec to what a reader needs next.
func pointers(r *Result) []string {
	return []string{"report: " + r.Report(), "again:  holdfast replay " + r.Dir}
}

// recovery is an RTO in words.
func recovery(o *record.RTO) string {
	if !o.Recovered {
		return fmt.Sprintf("not recovered in %s (objective %s)", duration.OrNever(o.Worst), duration.OrNever(o.Objective))
	}
	return fmt.Sprintf("%s (objective %s, resolution %s)", duration.OrNever(o.Worst), duration.OrNever(o.Objective), duration.OrNever(o.Resolution))
}

// loss is an RPO in words.
func loss(p *record.RPO) string {
	s := fmt.Sprintf("%d lost of %d acknowledged (objective %d)", lostCount(p), p.Acked, p.Objective)
	if p.Judged > 0 {
		s = fmt.Sprintf("%d lost of %d acknowledged whose loss would show (objective %d)", lostCount(p), p.Judged, p.Objective)
	}
	if lostCount(p) > 0 {
		s += ", over " + duration.OrNever(p.LossWindow)
	}
	return s
}

// lostCount is how many were lost; the list in the record is bounded.
func lostCount(p *record.RPO) int { return max(p.LostCount, len(p.Lost)) }

func rtoFigures(o *record.RTO) []string {
	out := []string{"RTO was " + recovery(o)}
	var longest *record.Stage
	for i, s := range o.Stages {
		if longest == nil || s.To-s.From > longest.To-longest.From {
			longest = &o.Stages[i]
		}
	}
	if longest != nil {
		line := fmt.Sprintf("the stage that took the time: %s, %s", longest.Name, duration.OrNever(longest.To-longest.From))
		if longest.Budget > 0 {
			line += " (budget " + duration.OrNever(longest.Budget) + ")"
		}
		if longest.Description != "" {
			line += ", ended by: " + longest.Description
		}
		out = append(out, line)
	}
	for _, s := range o.Series {
		if s.CutOff > 0 {
			out = append(out, fmt.Sprintf("  %s %ss, episode %d: served by the cut-off side: %d acknowledgements", s.Region, s.Class, s.Episode, s.CutOff))
		}
		if !s.Eligible && !s.FromHeal {
			continue
		}
		back := "back after " + duration.OrNever(s.RTO)
		if !s.Recovered {
			back = "not back"
		}
		out = append(out, fmt.Sprintf("  %s %ss, episode %d: %s, first acknowledgement %s, longest outage %s",
			s.Region, s.Class, s.Episode, back, duration.OrNever(s.FirstAck), duration.OrNever(s.LongestOutage)))
	}
	return out
}

func rpoFigures(p *record.RPO) []string {
	out := []string{"RPO was " + loss(p)}
	if groups := p.DescribeLossGroups(); groups != "" && lostCount(p) > 1 {
		out = append(out, "  "+groups)
	}
	for i, w := range p.Lost {
		if i == most {
			out = append(out, fmt.Sprintf("  and %d more", lostCount(p)-most))
			break
		}
		line := fmt.Sprintf("  lost: %s %s=%s from %s, acknowledged at %s", w.Op.Kind, w.Op.Key, w.Op.Value, w.Op.Region, duration.OrNever(w.Op.Return))
		if w.Op.Node != "" {
			line += fmt.Sprintf(" by %s in term %d", w.Op.Node, w.Op.Term)
		}
		line += ", " + w.Position
		if len(w.HeldBy) > 0 {
			line += fmt.Sprintf("; seen on %v during the run", w.HeldBy)
		}
		if w.Proof != "" {
			line += "; overwritten later: " + w.Proof
		} else {
			line += fmt.Sprintf("; missing in the final reads of %v", w.Missing)
		}
		out = append(out, line)
	}
	out = append(out, some("phantom", p.Phantoms)...)
	return append(out, some("diverged", p.Diverged)...)
}

func linearFigures(l *record.Linearizable) []string {
	out := []string{fmt.Sprintf("%d of %d keys (%d operations) have no legal order", len(l.Violating), l.Keys, l.Ops)}
	return append(out, some("key", l.Violating)...)
}

func availabilityFigures(a *record.Availability) []string {
	out := []string{fmt.Sprintf("%.3f %% of operations were good", 100*a.Overall)}
	for _, s := range a.Series {
		out = append(out, fmt.Sprintf("  %s %ss: %d of %d good, %d not sent, p99 %s, slowest %s",
			s.Region, s.Class, s.Good, s.Due, s.Dropped, duration.OrNever(s.P99), duration.OrNever(s.Max)))
	}
	return out
}

// findingFigures quotes every finding that is not a pass, or all of them when all are.
func findingFigures(j *record.Result) []string {
	findings := slices.DeleteFunc(slices.Clone(j.Findings), func(f record.Finding) bool {
		return f.Verdict == record.Pass && j.Verdict != record.Pass
	})
	return append([]string{"it came out " + string(j.Verdict)}, findingLines(findings)...)
}

// findingLines quotes findings with the first of their evidence.
func findingLines(findings []record.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("  %s is %s: %s", f.Check, f.Verdict, f.Description))
		for i, e := range f.Evidence {
			if i == most {
				break
			}
			out = append(out, "    "+strings.TrimSpace(e))
		}
	}
	return out
}

func some(what string, lines []string) []string {
	var out []string
	for i, l := range lines {
		if i == most {
			return append(out, fmt.Sprintf("  and %d more", len(lines)-most))
		}
		out = append(out, "  "+what+": "+l)
	}
	return out
}
