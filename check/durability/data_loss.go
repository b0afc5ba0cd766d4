package durability

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// dataLoss judges the loss of acknowledged writes. A loss that is proved on keys that were read through
// every node fails, even when other keys could not be read.
func (j *judge) dataLoss(figures *record.RPO, t *tally) record.Finding {
	f := record.Finding{Check: "rpo"}
	for _, l := range format.First(t.lost) {
		proof := "missing on " + format.Nodes(l.Missing)
		if l.Proof != "" {
			proof = l.Proof
		}
		f.Evidence = append(f.Evidence, fmt.Sprintf("lost: %s, %s; %s", format.Write(&l.Op), l.Position, proof))
	}
	summary := describeLoss(figures)
	if len(t.lost) > 0 {
		summary += fmt.Sprintf(", first: %s, %s", format.Write(&t.lost[0].Op), t.lost[0].Position)
	}
	gaps := ""
	switch {
	case t.finalReads == 0:
		gaps = "nothing was read back"
	case len(figures.UnreadableNodes) > 0:
		gaps = "no final read succeeded through " + format.Nodes(figures.UnreadableNodes)
	case len(t.unread) > 0:
		gaps = fmt.Sprintf("final reads of %s failed, first: %s", format.Count(len(t.unread), "key"), t.unread[0].text)
	}
	switch {
	case len(t.lost) > figures.Objective:
		f.Verdict, f.Description = record.Fail, summary
	case gaps != "":
		f.Verdict, f.Description = record.Unknown, "the loss cannot be determined: "+gaps
		for _, u := range format.First(t.unread) {
			f.Evidence = append(f.Evidence, "not read: "+u.text)
		}
	case t.acked == 0:
		f.Verdict, f.Description = record.Vacuous, "no write was acknowledged, so none could be lost"
	case t.judged == 0:
		f.Verdict, f.Description = record.Vacuous, fmt.Sprintf("of %s nothing was read that would show a loss", format.Count(t.acked, "acknowledged write"))
	default:
		f.Verdict, f.Description = record.Pass, summary
		if figures.Objective > 0 {
			f.Description += fmt.Sprintf(" (%d allowed)", figures.Objective)
		}
		if t.recovered > 0 {
			f.Description += fmt.Sprintf("; %d of %d without an answer took effect too", t.recovered, t.unknown)
		}
	}
	return f
}

// describeLoss says how many writes were lost, as a share of those whose loss would show and of those of
// them that were acknowledged while a fault lasted, and who had acknowledged them. Both sides of each
// share are counted alike: a loss among sets is no share of all writes.
func describeLoss(p *record.RPO) string {
	s := fmt.Sprintf("lost %d of %s whose loss would show", p.LostCount, format.Count(p.Judged, "acknowledged write"))
	if p.LostCount == 0 {
		return s
	}
	share := func(n, of int) string { return format.Percent(float64(n) / float64(max(1, of))) }
	s += fmt.Sprintf(" (%s)", share(p.LostCount, p.Judged))
	if p.LostDuringFaults > 0 {
		s += fmt.Sprintf(", %d of %d acknowledged while a fault lasted (%s)", p.LostDuringFaults, p.JudgedDuringFaults, share(p.LostDuringFaults, p.JudgedDuringFaults))
	}
	if p.LostCount > 1 {
		s += ": " + p.DescribeLossGroups()
	}
	return s
}

// noneOf judges that a list of violations is empty. What shows only in
// final reads is unknown without them: figures are given for such a check, nil for others.
func noneOf(check, what string, violations []timestamped, figures *record.RPO) record.Finding {
	f := record.Finding{Check: check, Verdict: record.Pass, Description: "no " + what}
	switch {
	case len(violations) > 0:
		f.Verdict, f.Evidence = record.Fail, texts(format.First(violations))
		f.Description = fmt.Sprintf("%d %s, first: %s", len(violations), what, violations[0].text)
	case figures != nil && figures.FinalReads == 0:
		f.Verdict, f.Description = record.Unknown, "cannot be determined: nothing was read back"
	}
	return f
}

// staleReads judges the reads that missed an acknowledgement, as far as none are allowed.
func (j *judge) staleReads(stale []timestamped) record.Finding {
	const what = "reads that missed what was acknowledged before them"
	allowed := j.run.Objectives.StaleReads
	if allowed == nil {
		return noneOf("stale reads", what, stale, nil)
	}
	limit := allowed.MaxAge
	if allowed.Allowed {
		limit = record.Forever
	}
	var older []timestamped
	oldest := time.Duration(0)
	for _, s := range stale {
		if oldest = max(oldest, s.age); s.age > limit {
			older = append(older, s)
		}
	}
	if len(older) > 0 {
		return noneOf("stale reads", fmt.Sprintf("%s by more than %s", what, duration.Exact(limit)), older, nil)
	}
	f := record.Finding{Check: "stale reads", Verdict: record.Pass, Description: "no " + what}
	if len(stale) > 0 {
		f.Description = fmt.Sprintf("%d %s, by %s at most: allowed by the scenario", len(stale), what, duration.Format(oldest))
		f.Evidence = texts(format.First(stale))
	}
	return f
}

// splitBrain judges the writes acknowledged without a quorum, unless they are allowed.
func (j *judge) splitBrain(writes []timestamped) record.Finding {
	const what = "writes acknowledged to clients that could reach no quorum"
	f := noneOf("split brain", what, writes, nil)
	if allowed := j.run.Objectives.SplitBrain; allowed != nil && allowed.Allowed && len(writes) > 0 {
		f.Verdict = record.Pass
		f.Description = fmt.Sprintf("served by the cut-off side: %d acknowledgements, allowed by the scenario", len(writes))
	}
	return f
}

// position describes an instant relative to the nearest fault or heal.
func position(faults []record.Fault, at time.Duration) string {
	nearest, text := record.Forever, "in a run without faults"
	consider := func(t time.Duration, what string) {
		if t < 0 {
			return
		}
		if d := (at - t).Abs(); d < nearest {
			nearest = d
			side := "after"
			if at < t {
				side = "before"
			}
			text = fmt.Sprintf("%s %s %s", duration.Format(d), side, what)
		}
	}
	for _, f := range faults {
		consider(f.Inject.Requested, f.ID)
		consider(f.Heal.Requested, "the heal of "+f.ID)
	}
	return text
}
