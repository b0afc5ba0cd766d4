package check

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/record"
)

// judgeRun asks whether the run and its record are whole. What was not
// recorded cannot have been kept.
func judgeRun(_ context.Context, v *view, _ *record.Result) []record.Finding {
	f := record.Finding{Check: "run", Verdict: record.Pass, Description: "ran to its end"}
	failures := v.sandboxFailures()
	switch {
	case len(failures) > 0:
		f.Verdict, f.Evidence = record.Unknown, failures
		f.Description = "a part of the framework failed, so that nothing is proved of the system: " + strings.Join(failures, ", ")
	case v.run.AbortReason != "":
		f.Verdict, f.Description = record.Unknown, "the run ended before its time: "+v.run.AbortReason
	case v.open() != "":
		f.Verdict, f.Description = record.Unknown, "the record ends in phase "+v.open()
	case len(v.run.Partial) > 0:
		f.Verdict, f.Description, f.Evidence = record.Unknown, "the record is not whole: "+strings.Join(v.run.Partial, ", "), v.run.Partial
	case len(v.run.Ops) == 0:
		f.Verdict, f.Description = record.Vacuous, "no operation was recorded"
	}
	return []record.Finding{f}
}

// open names the phase that never ended, as that of a run that was killed.
func (v *view) open() string {
	for _, p := range v.run.Phases {
		if p.To < 0 {
			return p.Name
		}
	}
	return ""
}

// judgeFaults asks of each fault for proof that it was felt, that it is gone
// and that it spared its neighbours. A fault that was not felt put nothing to
// the test.
func judgeFaults(_ context.Context, v *view, _ *record.Result) []record.Finding {
	var out []record.Finding
	for _, f := range v.run.Faults {
		out = append(out, judgeFault(f))
	}
	for _, id := range v.planned() {
		if !slices.ContainsFunc(v.run.Faults, func(f record.Fault) bool { return f.ID == id }) {
			out = append(out, record.Finding{Check: "fault " + id, Verdict: record.Vacuous, Description: "was planned and never injected"})
		}
	}
	return out
}

func judgeFault(f record.Fault) record.Finding {
	out := record.Finding{Check: "fault " + f.ID}
	for _, p := range []struct {
		of string
		record.Proof
	}{{"felt", f.Active}, {"gone", f.Cleared}, {"spared", f.ControlUnaffected}} {
		if p.Observed != "" {
			out.Evidence = append(out.Evidence, p.of+": "+p.Observed)
		}
	}
	say := func(v record.Verdict, says string) record.Finding {
		out.Verdict, out.Description = v, strings.TrimSuffix(f.Description+": "+says, ": ")
		return out
	}
	switch {
	case f.Error != "":
		return say(record.Unknown, "injecting it failed: "+f.Error)
	case f.HealError != "":
		return say(record.Unknown, "healing it failed: "+f.HealError)
	case f.Inject.Requested < 0:
		return say(record.Vacuous, "was never injected")
	case !f.Active.Proved:
		return say(record.Vacuous, "not felt: "+saw(f.Active))
	case f.Heal.Requested < 0:
		return say(record.Unknown, "was never healed")
	case !f.Cleared.Proved:
		return say(record.Unknown, "not proved to be gone: "+saw(f.Cleared))
	case !f.ControlUnaffected.Proved:
		return say(record.Unknown, "a neighbour is not proved to be spared: "+saw(f.ControlUnaffected))
	}
	felt := ""
	if f.Inject.Effective >= 0 {
		felt = fmt.Sprintf("felt %s after its request", seconds(f.Inject.Effective-f.Inject.Requested))
	}
	if f.Heal.Effective >= 0 && f.Heal.Requested >= 0 {
		felt += fmt.Sprintf(", gone %s after that of its heal", seconds(f.Heal.Effective-f.Heal.Requested))
	}
	return say(record.Pass, strings.TrimPrefix(felt, ", "))
}

func saw(p record.Proof) string {
	if p.Observed == "" {
		return "nothing was measured"
	}
	return p.Observed
}

// planned lists the steps of the plan. A plan that cannot be read has none: it
// is for show here, and a stored run may be of another day's schema.
func (v *view) planned() []string {
	var plan struct {
		Steps []struct {
			ID string `json:"id"`
		} `json:"steps"`
	}
	if json.Unmarshal(v.run.Plan, &plan) != nil {
		return nil
	}
	var out []string
	for _, s := range plan.Steps {
		out = append(out, s.ID)
	}
	return out
}
