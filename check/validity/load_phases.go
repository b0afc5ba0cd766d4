package validity

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// LoadPhases judges whether the load changed as planned: a system that was to stand a surge and met none is
// not tested.
func LoadPhases(run *index.Run) []record.Finding {
	var out []record.Finding
	for _, p := range run.Record.LoadPhases {
		f := record.Finding{Check: "load phase " + p.ID, Verdict: record.Pass}
		switch t := p.Trigger; {
		case t != nil && t.Fired == record.NotReached:
			f.Verdict, f.Cause = record.Unknown, record.CauseScenario
			f.Description = fmt.Sprintf("%s: did not begin: it waited %s for %q, which did not happen", p.Description, duration.Format(t.Deadline-t.Armed), t.When)
		case p.Begin == record.NotReached:
			f.Verdict, f.Cause, f.Description = record.Vacuous, record.CauseScenario, p.Description+": did not begin"
		case p.End == record.NotReached:
			f.Verdict, f.Cause, f.Description = record.Unknown, record.CauseEnvironment, p.Description+": did not end before the run"
		default:
			f.Description = fmt.Sprintf("%s, from %s to %s", p.Description, duration.Format(p.Begin), duration.Format(p.End))
			if t != nil {
				f.Description += fmt.Sprintf(", because %s", t.Cause)
			}
		}
		out = append(out, f)
	}
	return out
}
