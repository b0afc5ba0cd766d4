package validity

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/record"
)

// NeverStarted turns every pass of a run that never started into vacuous: it sent nothing to the
// system, so that nothing was put to the test, and "no stale reads" would be praise for having read nothing.
func NeverStarted(run *index.Run, findings []record.Finding) {
	r := run.Record
	if len(r.Ops) > 0 {
		return
	}
	_, baseline := r.Phase(record.Baseline)
	if r.AbortReason == "" && baseline {
		return // it ran, and completeness says that it recorded nothing
	}
	why, cause := "the run never reached its baseline", record.CauseScenario
	if r.AbortReason != "" {
		why, cause = "the run ended before it sent an operation: "+r.AbortReason, record.CauseEnvironment
	}
	for i := range findings {
		if f := &findings[i]; f.Verdict == record.Pass {
			f.Verdict, f.Cause, f.Description = record.Vacuous, cause, fmt.Sprintf("nothing was put to the test: %s", why)
		}
	}
}
