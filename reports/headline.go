package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// headline is what a reader must know before anything else; every format
// starts with it.
type headline struct {
	Verdict     record.Verdict // "" when the run was not judged
	Word        string         // PASS, FAIL, UNKNOWN, VACUOUS, NOT JUDGED
	Glyph       string         // never colour alone
	Description string         // one sentence with the figures
	Expected    string         // "" when pass was expected and came
	Surprise    bool           // the run did not come out as expected
	Incomplete  string
	Cause       string // who is responsible for a verdict that is neither pass nor fail; "" otherwise
	Unverified  string // that nothing shows whether the record was changed; "" where checksums do
	Attempt     string // which attempt at the plan this is, and what came of the earlier ones; "" for the first
}

// attemptNote says which attempt at the plan the run is, and what came of those before it.
func attemptNote(earlier []record.Attempt) string {
	if len(earlier) == 0 {
		return ""
	}
	parts := []string{fmt.Sprintf("attempt %d", len(earlier)+1)}
	for i, a := range earlier {
		part := fmt.Sprintf("attempt %d (%s) was %s", i+1, clean(a.Run), clean(string(a.Verdict)))
		if a.Cause != "" {
			part += ", cause " + clean(string(a.Cause))
		}
		parts = append(parts, part)
	}
	return sentence(strings.Join(parts, "; "))
}

// causeNote says in a sentence who is responsible for a verdict that is neither pass nor fail, and what
// to do about it.
func causeNote(c record.Cause) string {
	switch c {
	case record.CauseSystem:
		return "Cause: the system under test left open what was to be shown."
	case record.CauseHarness:
		return "Cause: holdfast itself, not the system under test. Nothing is proved about the system."
	case record.CauseEnvironment:
		return "Cause: the environment (the machine, its engine or an interruption), not the system under test. Run it again on a free machine."
	case record.CauseScenario:
		return "Cause: the scenario asks for what cannot be shown with it. The findings say what to change."
	}
	return clean(string(c))
}

func headlineOf(r *record.Run) headline {
	h := headline{Incomplete: clean(r.AbortReason), Attempt: attemptNote(r.Earlier)}
	if r.NoChecksums {
		h.Unverified = "The record has no checksums, because an earlier version of holdfast made it: whether it was changed since cannot be told."
	}
	if h.Incomplete != "" {
		h.Incomplete = "the run ended early: " + h.Incomplete
	} else if len(r.Partial) > 0 {
		h.Incomplete = "the record is incomplete: " + join(r.Partial, "; ")
	}
	j := r.Result
	if j == nil {
		h.Word, h.Glyph, h.Surprise = "NOT JUDGED", glyph(""), true
		h.Description = "The run was not judged; what was recorded is below."
		if r.AbortReason != "" {
			h.Description = "The run ended early and was not judged: " + clean(r.AbortReason)
		}
		return h
	}
	h.Verdict = j.Verdict
	h.Word, h.Glyph = strings.ToUpper(clean(string(j.Verdict))), glyph(j.Verdict)
	h.Cause = causeNote(j.Cause)
	var parts []string
	if j.RTO != nil {
		parts = append(parts, unmeasured(j, "rto", recovery(r, j.RTO, findingOf(r, "rto"))))
		if note := cutOffNote(j.RTO.CutOff); note != "" && measured(findingOf(r, "rto")) {
			parts = append(parts, note)
		}
	}
	if j.RPO != nil {
		parts = append(parts, unmeasured(j, "rpo", loss(j.RPO, findingOf(r, "rpo"))))
	}
	for _, f := range j.Findings {
		// The clauses above cover recovery and data. Every other check that did not pass is named.
		if f.Verdict != record.Pass && (f.Check != "rto" || j.RTO == nil) && (!slices.Contains(ofRPO, f.Check) || j.RPO == nil) {
			parts = append(parts, fmt.Sprintf("%s: %s", clean(f.Check), clean(string(f.Verdict))))
		}
	}
	if len(parts) > 5 {
		parts = append(parts[:4], fmt.Sprintf("and %d more findings", len(parts)-4))
	}
	h.Description = sentence(strings.Join(parts, "; "))
	if h.Description == "" {
		h.Description = "Nothing was judged."
	}
	h.Surprise, h.Expected = !j.AsExpected(), expectation(j)
	return h
}

// measured reports whether a check with this verdict measured its figures. A check that is unknown
// or vacuous leaves its figures at zero, and a report that printed them would claim "RTO 0".
func measured(v record.Verdict) bool { return v == record.Pass || v == record.Fail }

// unmeasured is the reason why a check measured nothing, or else the clause.
func unmeasured(j *record.Result, check, clause string) string {
	for _, f := range j.Findings {
		if f.Check == check && !measured(f.Verdict) && f.Description != "" {
			return strings.TrimSuffix(clean(f.Description), ".")
		}
	}
	return clause
}

// recovery is the clause on the RTO.
func recovery(r *record.Run, o *record.RTO, v record.Verdict) string {
	switch {
	case !measured(v):
		return "the recovery time was not measured"
	case len(o.Series) == 0:
		return "no recovery time was measured"
	case noneServed(o) && o.CutOff > 0:
		return fromHeal(o) // not by design: the cut-off side went on
	case noneServed(o):
		return byDesign(quorumLoss(r.Result)) + "; " + fromHeal(o)
	case !o.Recovered:
		return fmt.Sprintf("service did not recover in %s (objective %s)", duration.OrNever(o.Worst), duration.OrNever(o.Objective))
	case o.Worst == 0:
		return fmt.Sprintf("no outage (RTO 0, objective %s)", duration.OrNever(o.Objective))
	default:
		return fmt.Sprintf("service back in %s (objective %s%s)", duration.OrNever(o.Worst), duration.OrNever(o.Objective), atMost(o))
	}
}

// noneServed reports whether in every series clients could not be served by design
// for a time, so that recovery counts from the heal.
func noneServed(o *record.RTO) bool {
	return len(o.Series) > 0 && !slices.ContainsFunc(o.Series, func(s record.RTOSeries) bool { return !s.FromHeal })
}

// quorumLoss is how long, all in all, the faults left no quorum anywhere.
func quorumLoss(j *record.Result) (total time.Duration) {
	for _, s := range j.QuorumLoss {
		total += s.To - s.From
	}
	return total
}

// byDesign is the clause on clients that could not be served, with the time for which there was no
// quorum anywhere.
func byDesign(noQuorum time.Duration) string {
	if noQuorum == 0 {
		return "every client was without a quorum for a time, by design"
	}
	return "no quorum for " + duration.OrNever(noQuorum) + ", by design"
}

// fromHeal is the clause on the recovery of clients that could not be served before the heal.
func fromHeal(o *record.RTO) string {
	if !o.Recovered {
		return fmt.Sprintf("service did not recover in %s after heal (objective %s)", duration.OrNever(o.Worst), duration.OrNever(o.Objective))
	}
	return fmt.Sprintf("service back %s after heal (objective %s%s)", duration.OrNever(o.Worst), duration.OrNever(o.Objective), atMost(o))
}

// atMost says that a recovery time is a bound, because the harness or its machine interfered.
func atMost(o *record.RTO) string {
	if !o.UpperBound {
		return ""
	}
	return "; this is a bound, because the harness or its machine interfered: it may have been as little as " + duration.OrNever(o.Lenient)
}

// loss is the clause on the RPO. The verdict decides whether the final reads
// sufficed, because a read that failed may have succeeded when it was repeated.
func loss(p *record.RPO, v record.Verdict) string {
	var parts []string
	switch n := lostCount(p); {
	case n > 0:
		parts = append(parts, plural(n, "acknowledged write")+" lost"+lossShares(p))
	case v == record.Vacuous:
		parts = append(parts, "no write was acknowledged, so none could be lost")
	case !measured(v):
		parts = append(parts, "what was lost is unknown")
	case p.Judged > 0:
		parts = append(parts, "nothing lost of "+plural(p.Judged, "acknowledged write")+" whose loss would show")
	default:
		parts = append(parts, "nothing lost of "+plural(p.Acked, "acknowledged write"))
	}
	parts = append(parts, offences(p)...)
	if len(p.UnreadableNodes) > 0 {
		parts = append(parts, "nothing could be read back through "+join(p.UnreadableNodes, ", "))
	}
	return strings.Join(parts, ", ")
}

// lossShares says of how many writes the lost ones are a share: of those whose loss would show, and of those
// of them that were acknowledged while a fault lasted. It is empty for results of before these were counted.
func lossShares(p *record.RPO) string {
	if p.Judged == 0 {
		return ""
	}
	s := " of " + count(p.Judged) + " whose loss would show (" + share(float64(lostCount(p))/float64(p.Judged)) + ")"
	if p.LostDuringFaults > 0 && p.JudgedDuringFaults > 0 {
		s += ", " + count(p.LostDuringFaults) + " of the " + count(p.JudgedDuringFaults) + " acknowledged while a fault lasted (" +
			share(float64(p.LostDuringFaults)/float64(p.JudgedDuringFaults)) + ")"
	}
	return s
}

// offences counts the other violations in the data.
func offences(p *record.RPO) []string {
	var out []string
	for _, c := range []struct {
		n    int
		noun string
	}{
		{len(p.Phantoms), "phantom"},
		{len(p.Diverged), "divergence"},
		{len(p.Duplicates), "duplicate"},
		{len(p.StaleReads), "stale read"},
		{len(p.SplitBrain), "split-brain write"},
	} {
		if c.n > 0 {
			out = append(out, plural(c.n, c.noun))
		}
	}
	return out
}

// ofRPO lists the checks that loss covers.
var ofRPO = []string{"rpo", "phantoms", "divergence", "duplicates", "stale reads", "split brain"}

// lostCount is how many were lost; the list in the record is bounded.
func lostCount(p *record.RPO) int { return max(p.LostCount, len(p.Lost)) }

func glyph(v record.Verdict) string {
	switch v {
	case record.Pass:
		return "✔"
	case record.Fail:
		return "✖"
	case record.Vacuous:
		return "∅"
	default:
		return "?"
	}
}

// tone is the class a verdict is coloured by.
func tone(v record.Verdict) string {
	switch v {
	case record.Pass, record.Fail, record.Vacuous:
		return string(v)
	default:
		return string(record.Unknown)
	}
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// findingOf returns the verdict of a check, or "" when it was not judged.
func findingOf(r *record.Run, check string) record.Verdict {
	if r.Result == nil {
		return ""
	}
	for _, f := range r.Result.Findings {
		if f.Check == check {
			return f.Verdict
		}
	}
	return ""
}

// firstFault is the request of the first fault, NotReached when there was none.
func firstFault(r *record.Run) time.Duration {
	first := record.NotReached
	for _, f := range r.Faults {
		if t := f.Inject.Requested; t != record.NotReached && (first == record.NotReached || t < first) {
			first = t
		}
	}
	return first
}
