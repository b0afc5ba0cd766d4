package reports

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/record"
)

// faultView is one fault with its instants and its proofs.
type faultView struct {
	ID, Description, Victims, Episode string
	Inject, Heal                      []string // planned, requested, confirmed, effective
	Proofs                            []proofView
	Errors                            []string
	Trigger                           string // what it waited for, and what came of that
}

// proofView is one proof of a fault.
type proofView struct {
	Of, Observed, Glyph, Tone, Word string
}

func faultViews(r *record.Run) []faultView {
	var out []faultView
	for _, f := range r.Faults {
		v := faultView{
			ID: clean(f.ID), Description: clean(f.Description), Episode: fmt.Sprint(f.Episode),
			Victims: join(f.Nodes, ", "), Inject: instants(f.Inject), Heal: instants(f.Heal),
		}
		if n := len(f.Flows); n > 0 {
			if v.Victims != "" {
				v.Victims += "; "
			}
			v.Victims += plural(n, "flow")
		}
		for _, p := range []struct {
			of  string
			was record.Proof
		}{{"active", f.Active}, {"cleared", f.Cleared}, {"control unaffected", f.ControlUnaffected}} {
			x := proofView{Of: p.of, Observed: clean(p.was.Observed), Glyph: "✔", Tone: "pass", Word: "proved"}
			if !p.was.Proved {
				x.Glyph, x.Tone, x.Word = "✖", "fail", "not proved"
			}
			if x.Observed == "" {
				x.Observed = "nothing was measured"
			}
			v.Proofs = append(v.Proofs, x)
		}
		for _, e := range []struct{ op, err string }{{"not injected", f.Refused}, {"inject", f.Error}, {"heal", f.HealError}} {
			if e.err != "" {
				v.Errors = append(v.Errors, e.op+": "+clean(e.err))
			}
		}
		if t := f.Trigger; t != nil {
			v.Trigger = fmt.Sprintf("waited from %s for %q: it happened at %s (%s)", at(t.Armed), clean(t.When), at(t.Fired), clean(t.Cause))
			if t.Fired == record.NotReached {
				v.Proofs, v.Trigger = nil, fmt.Sprintf("waited from %s until %s for %q, which did not happen: nothing was injected", at(t.Armed), at(t.Deadline), clean(t.When))
			}
		}
		if f.Skipped != "" {
			v.Proofs, v.Errors = nil, append(v.Errors, "nothing was injected: "+clean(f.Skipped))
		}
		out = append(out, v)
	}
	return out
}

func instants(t record.Times) []string {
	return []string{at(t.Planned), at(t.Requested), at(t.Confirmed), at(t.Effective)}
}
