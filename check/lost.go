package check

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// findLost judges the loss. Loss that is proved on keys that were read through
// every node is a fail, whatever could not be read beside them.
func (v *view) findLost(f *record.RPO, t *tally) record.Finding {
	out := record.Finding{Check: "rpo"}
	lost := len(t.lost)
	for i, l := range t.lost {
		if i == kept {
			break
		}
		out.Evidence = append(out.Evidence, fmt.Sprintf("lost: %s, %s; missing on %s", witness(&l.Op), l.Position, nodeList(l.Missing)))
	}
	figures := fmt.Sprintf("lost %d of %d acknowledged writes", lost, t.acked)
	if lost > 0 {
		if f.LossWindow > 0 {
			figures += " over " + seconds(f.LossWindow)
		}
		figures += fmt.Sprintf(", first: %s, %s", witness(&t.lost[0].Op), t.lost[0].Position)
	}
	gaps := ""
	switch {
	case t.finalReads == 0:
		gaps = "nothing was read back"
	case len(f.UnreadableNodes) > 0:
		gaps = "no final read succeeded through " + nodeList(f.UnreadableNodes)
	case len(t.unread) > 0:
		gaps = fmt.Sprintf("final reads of %s failed, first: %s", count(len(t.unread), "key"), t.unread[0].says)
	}
	switch {
	case lost > v.obj.RPO:
		out.Verdict, out.Description = record.Fail, figures
	case gaps != "":
		out.Verdict, out.Description = record.Unknown, "loss cannot be told: "+gaps
		for i, u := range t.unread {
			if i == kept {
				break
			}
			out.Evidence = append(out.Evidence, "not read: "+u.says)
		}
	case t.acked == 0:
		out.Verdict, out.Description = record.Vacuous, "no write was acknowledged, so none could be lost"
	default:
		out.Verdict, out.Description = record.Pass, figures
		if v.obj.RPO > 0 {
			out.Description += fmt.Sprintf(" (%d allowed)", v.obj.RPO)
		}
		if t.recovered > 0 {
			out.Description += fmt.Sprintf("; %d of %d without an answer are there too", t.recovered, t.unknown)
		}
	}
	return out
}

// findNone is the promise that a list of offences is empty. What is seen only
// in final reads, as rpo says, is unknown without them.
func (v *view) findNone(promise, what string, offences []dated, finals *record.RPO) record.Finding {
	out := record.Finding{Check: promise, Verdict: record.Pass, Description: "no " + what}
	switch {
	case len(offences) > 0:
		out.Verdict, out.Evidence = record.Fail, lines(offences[:min(len(offences), kept)])
		out.Description = fmt.Sprintf("%d %s, first: %s", len(offences), what, offences[0].says)
	case finals != nil && finals.FinalReads == 0:
		out.Verdict, out.Description = record.Unknown, "cannot be told: nothing was read back"
	}
	return out
}

// witness says which write, who acknowledged it and in which term.
func witness(op *history.Op) string {
	s := fmt.Sprintf("%s %s=%s", op.Kind, op.Key, op.Value)
	if op.Kind == history.Transfer {
		s = fmt.Sprintf("transfer of %d from %s to %s of %s", op.Amount, op.From, op.To, op.Key)
	}
	switch op.Outcome {
	case history.OK:
		s += " acknowledged"
		if op.Node != "" {
			s += " by " + string(op.Node)
		}
		if op.Term > 0 {
			s += fmt.Sprintf(" in term %d", op.Term)
		}
		s += fmt.Sprintf(" to %s", op.Region)
	case history.Failed:
		s += fmt.Sprintf(" refused (%s)", op.Error)
	default:
		s += " not answered"
	}
	return s
}

// position says where an instant lies relative to the nearest fault or heal.
func (v *view) position(at time.Duration) string {
	best, says := forever, "in a run without faults"
	near := func(t time.Duration, what string) {
		if t < 0 {
			return
		}
		if d := (at - t).Abs(); d < best {
			best = d
			side := "after"
			if at < t {
				side = "before"
			}
			says = fmt.Sprintf("%s %s %s", seconds(d), side, what)
		}
	}
	for _, f := range v.faults {
		near(f.Inject.Requested, f.ID)
		near(f.Heal.Requested, "the heal of "+f.ID)
	}
	return says
}

func nodeList(ns []topology.NodeID) string {
	return few(ns, 5, func(n topology.NodeID) string { return string(n) })
}
