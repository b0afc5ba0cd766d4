package reports

import (
	"fmt"
	"slices"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// rpoView is what became of the acknowledged writes.
type rpoView struct {
	Description string
	Counts      []fact
	Lost        []lostView
	LostMore    int
	Lists       []list // phantoms, divergences, duplicates, stale reads
}

// lostView is a lost write with the nodes that had shown it.
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
	v := &rpoView{Description: sentence(loss(o, verdict))}
	if len(o.Lost) > 0 {
		if groups := o.DescribeLossGroups(); groups != "" {
			v.Description += " " + sentence(clean(groups))
		}
		v.Description += fmt.Sprintf(" The lost writes were acknowledged within %s.", duration.OrNever(o.LossWindow))
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
		{"split brain", count(len(o.SplitBrain)), false},
		{"final reads", count(o.FinalReads), false},
		{"final reads failed", count(o.FinalReadsFailed), false},
	}
	if o.Judged > 0 {
		v.Counts = slices.Insert(v.Counts, 3,
			fact{"whose loss would show", count(o.Judged), false}, fact{"of these, while a fault lasted", count(o.JudgedDuringFaults), false})
	}
	for _, l := range o.Lost[:min(len(o.Lost), maxListed)] {
		op := l.Op
		w := lostView{
			Op: fmt.Sprintf("%d by client %d in %s", op.ID, op.Client, clean(string(op.Region))), Key: describeOp(&op),
			Acked: at(op.Return), By: clean(string(op.Node)) + describeTerm(&op), Position: clean(l.Position),
			HeldBy: join(l.HeldBy, ", "), Missing: join(l.Missing, ", "),
		}
		if w.By == "" {
			w.By = "not known"
		}
		if w.HeldBy == "" {
			w.HeldBy = "no node"
		}
		if l.Proof != "" {
			w.Missing = "overwritten later: " + clean(l.Proof)
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
		{"Phantoms", "read back, though no client wrote them", o.Phantoms},
		{"Divergence", "final reads through different nodes that differ", o.Diverged},
		{"Duplicates", "in a set more than once", o.Duplicates},
		{"Split brain", "acknowledged to clients that could reach no majority", o.SplitBrain},
		{"Stale reads", "called after a write was acknowledged, and did not return it", o.StaleReads},
	} {
		if len(l.of) > 0 {
			x := list{Name: l.name, Means: l.means}
			x.Items, x.More = listed(l.of, maxListed)
			v.Lists = append(v.Lists, x)
		}
	}
	return v
}

// linView is what the linearizability checker found.
type linView struct {
	Description         string
	Violating           []string
	Undecided           []string
	MoreViolating, More int
}

func linViewOf(l *record.Linearizable) *linView {
	if l == nil {
		return nil
	}
	v := &linView{Description: fmt.Sprintf("%s on %s checked, each key on its own.", plural(l.Ops, "operation"), plural(l.Keys, "key"))}
	if l.StaleReads > 0 {
		v.Description += fmt.Sprintf(" %s that asked for stale data left out.", plural(l.StaleReads, "read"))
	}
	v.Violating, v.MoreViolating = listed(l.Violating, maxListed)
	v.Undecided, v.More = listed(l.Undecided, maxListed)
	return v
}
