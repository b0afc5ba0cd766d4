package reports

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// rpoView is what became of the data.
type rpoView struct {
	Says     string
	Counts   []fact
	Lost     []lostView
	LostMore int
	Lists    []list // phantoms, divergences, duplicates, stale reads
}

// lostView is a lost write with its witness.
type lostView struct {
	Op, Key, Acked, By, Position, HeldBy, Missing string
}

// list is a named list of evidence.
type list struct {
	Name, Means string
	Items       []string
	More        int
}

func rpoViewOf(o *record.RPO, verdict record.Verdict) *rpoView {
	if o == nil {
		return nil
	}
	v := &rpoView{Says: sentence(loss(o, verdict))}
	if len(o.Lost) > 0 {
		v.Says += fmt.Sprintf(" Between the first and the last lost acknowledgement lie %s.", duration.OrNever(o.LossWindow))
	}
	v.Counts = []fact{
		{"objective", "at most " + count(o.Objective) + " lost", false},
		{"attempted", count(o.Attempted), false},
		{"acknowledged", count(o.Acked), false},
		{"unknown", count(o.Unknown), false},
		{"recovered", count(o.Recovered), false},
		{"lost", count(lostCount(o)), false},
		{"phantoms", count(len(o.Phantoms)), false},
		{"diverged", count(len(o.Diverged)), false},
		{"duplicates", count(len(o.Duplicates)), false},
		{"stale reads", count(len(o.StaleReads)), false},
		{"minority acks", count(len(o.SplitBrain)), false},
		{"final reads", count(o.FinalReads), false},
		{"final reads failed", count(o.FinalReadsFailed), false},
	}
	for _, l := range o.Lost[:min(len(o.Lost), mostListed)] {
		op := l.Op
		w := lostView{
			Op: fmt.Sprintf("%d by client %d in %s", op.ID, op.Client, clean(string(op.Region))), Key: opSays(&op),
			Acked: at(op.Return), By: clean(string(op.Node)) + termSays(&op), Position: clean(l.Position),
			HeldBy: join(l.HeldBy, ", "), Missing: join(l.Missing, ", "),
		}
		if w.By == "" {
			w.By = "not said"
		}
		if w.HeldBy == "" {
			w.HeldBy = "no node"
		}
		if w.Missing == "" {
			w.Missing = "every node"
		}
		v.Lost = append(v.Lost, w)
	}
	v.LostMore = lostCount(o) - len(v.Lost)
	for _, l := range []struct {
		name, means string
		of          []string
	}{
		{"Phantoms", "read back though nobody wrote them", o.Phantoms},
		{"Divergence", "final reads through different nodes that differ", o.Diverged},
		{"Duplicates", "taken more than once", o.Duplicates},
		{"Minority acknowledgements", "given to clients that could reach no majority", o.SplitBrain},
		{"Stale reads", "invoked after an acknowledgement that they miss", o.StaleReads},
	} {
		if len(l.of) > 0 {
			x := list{Name: l.name, Means: l.means}
			x.Items, x.More = listed(l.of, mostListed)
			v.Lists = append(v.Lists, x)
		}
	}
	return v
}

// linView is what the linearizability checker found.
type linView struct {
	Says                string
	Violating           []string
	Undecided           []string
	MoreViolating, More int
}

func linViewOf(l *record.Linearizable) *linView {
	if l == nil {
		return nil
	}
	v := &linView{Says: fmt.Sprintf("%s on %s checked, each key for itself.", plural(l.Ops, "operation"), plural(l.Keys, "key"))}
	if l.StaleReads > 0 {
		v.Says += fmt.Sprintf(" %s asked to be stale and not judged here.", plural(l.StaleReads, "read"))
	}
	v.Violating, v.MoreViolating = listed(l.Violating, mostListed)
	v.Undecided, v.More = listed(l.Undecided, mostListed)
	return v
}
