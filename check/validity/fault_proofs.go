package validity

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// FaultProofs judges for each fault whether it is proved that it was active, that it was cleared
// and that its control was unaffected. A fault that was not active put nothing to
// the test.
func FaultProofs(run *index.Run) []record.Finding {
	var out []record.Finding
	faults := run.Record.Faults
	for _, f := range faults {
		out = append(out, judgeFault(f, len(run.Faults) > 0))
	}
	for _, id := range plannedSteps(run.Record.Plan) {
		if !slices.ContainsFunc(faults, func(f record.Fault) bool { return isStepOf(f, id) }) {
			out = append(out, record.Finding{Check: "fault " + id, Verdict: record.Vacuous, Description: "was planned and never injected"})
		}
	}
	return out
}

// isStepOf reports whether a fault carried out a step: it has the step's id, or the
// step is the one for one of several victims that had a role, as recorded plans name it.
func isStepOf(f record.Fault, step string) bool {
	return f.ID == step || slices.ContainsFunc(f.Nodes, func(n topology.NodeID) bool { return step == f.ID+"-"+string(n) })
}

func judgeFault(f record.Fault, anyInjected bool) record.Finding {
	out := record.Finding{Check: "fault " + f.ID}
	for _, p := range []struct {
		of string
		record.Proof
	}{{"active", f.Active}, {"cleared", f.Cleared}, {"control", f.ControlUnaffected}} {
		if p.Observed != "" {
			out.Evidence = append(out.Evidence, p.of+": "+p.Observed)
		}
	}
	verdict := func(v record.Verdict, text string) record.Finding {
		out.Verdict, out.Description = v, strings.TrimSuffix(f.Description+": "+text, ": ")
		return out
	}
	switch {
	case f.Refused != "":
		out = verdict(record.Unknown, "was not injected: "+f.Refused)
		out.Cause = record.CauseScenario
		return out
	case f.Skipped != "" && anyInjected:
		return verdict(record.Pass, "nothing was injected: "+f.Skipped)
	case f.Skipped != "":
		out = verdict(record.Vacuous, "nothing was injected, by this step or by another: "+f.Skipped)
		out.Cause = record.CauseScenario
		return out
	case f.Error != "":
		return verdict(record.Unknown, "injecting it failed: "+f.Error)
	case f.HealError != "":
		return verdict(record.Unknown, "healing it failed: "+f.HealError)
	case f.Trigger != nil && f.Trigger.Fired == record.NotReached && f.Inject.Requested < 0:
		out = verdict(record.Unknown, fmt.Sprintf("was not injected: it waited %s for %q, which did not happen", duration.Format(f.Trigger.Deadline-f.Trigger.Armed), f.Trigger.When))
		out.Cause = record.CauseScenario
		return out
	case f.Inject.Requested < 0:
		return verdict(record.Vacuous, "was never injected")
	case f.PreExisting != "":
		out = verdict(record.Vacuous, "its effect was there before it was injected: "+f.PreExisting)
		out.Cause = record.CauseScenario
		return out
	case !f.Active.Proved:
		return verdict(record.Vacuous, "had no measured effect: "+observed(f.Active))
	case f.Heal.Requested < 0:
		return verdict(record.Unknown, "was never healed")
	case !f.Cleared.Proved:
		return verdict(record.Unknown, "is not proved to be cleared: "+observed(f.Cleared))
	case !f.ControlUnaffected.Proved:
		return verdict(record.Unknown, "its control is not proved to be unaffected: "+observed(f.ControlUnaffected))
	}
	if late := lateness(f); late != "" {
		out = verdict(record.Unknown, late)
		out.Cause = record.CauseEnvironment
		return out
	}
	var times []string
	if f.Inject.Effective >= 0 {
		times = append(times, fmt.Sprintf("active %s after its request", duration.Format(f.Inject.Effective-f.Inject.Requested)))
	}
	if f.Heal.Effective >= 0 && f.Heal.Requested >= 0 {
		times = append(times, fmt.Sprintf("cleared %s after the request of its heal", duration.Format(f.Heal.Effective-f.Heal.Requested)))
	}
	return verdict(record.Pass, strings.Join(times, ", "))
}

// maxStepDelay is how much later than planned a fault may be injected or healed, and by how much it may be
// shorter, for its run to be that of the plan. A selector by role may take as long to resolve.
const maxStepDelay = time.Second

// lateness says how a fault differs from its plan in time; it is empty when it does not, or not by much.
func lateness(f record.Fault) string {
	if f.Inject.Planned < 0 {
		return "" // code decided when
	}
	delay := f.Inject.Requested - f.Inject.Planned
	if f.Heal.Planned < 0 || f.Heal.Requested < 0 {
		if delay > maxStepDelay {
			return fmt.Sprintf("was injected %s later than planned", duration.Format(delay))
		}
		return ""
	}
	planned, lasted := f.Heal.Planned-f.Inject.Planned, f.Heal.Requested-f.Inject.Requested
	switch {
	case delay > maxStepDelay:
		return fmt.Sprintf("was injected %s later than planned and lasted %s of %s", duration.Format(delay), duration.Format(lasted), duration.Format(planned))
	case planned-lasted > maxStepDelay:
		return fmt.Sprintf("lasted %s, and %s was planned", duration.Format(lasted), duration.Format(planned))
	}
	return ""
}

func observed(p record.Proof) string {
	if p.Observed == "" {
		return "nothing was measured"
	}
	return p.Observed
}

// plannedSteps lists the ids of the plan's steps. A plan that cannot be read has none: it
// is only informative here, and a stored run may be of an earlier schema.
func plannedSteps(stored json.RawMessage) []string {
	var plan struct {
		Steps []struct {
			ID string `json:"id"`
		} `json:"steps"`
	}
	if json.Unmarshal(stored, &plan) != nil {
		return nil
	}
	var out []string
	for _, s := range plan.Steps {
		out = append(out, s.ID)
	}
	return out
}
