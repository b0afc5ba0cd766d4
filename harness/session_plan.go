package harness

import (
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// planSoFar is the plan that would do again what code did in this session:
// each fault at the offset and for the time that it had, on the nodes that had
// the roles then, after a baseline as long as the one that was measured.
func (s *Session) planSoFar() scenarios.Plan {
	s.mu.Lock()
	plan, baseline, timeline := s.plan, s.baseline, s.timeline
	s.mu.Unlock()
	if timeline == record.NotReached {
		return plan
	}
	run := s.log.snapshot()
	plan.Baseline = timeline - baseline
	steps := plan.Steps
	plan.Steps = []scenarios.Step{}
	for _, step := range steps {
		one := plan
		one.Steps = []scenarios.Step{step}
		pinned, err := scenarios.Pin(one, &run)
		if err != nil { // links of several nodes that were chosen by role: a replay chooses by role again
			plan.Steps = append(plan.Steps, step)
			continue
		}
		plan.Steps = append(plan.Steps, pinned.Steps...)
	}
	return plan
}

// saveSteps keeps the plan so far in the record.
func (s *Session) saveSteps() {
	if err := s.savePlan(s.planSoFar()); err != nil {
		s.log.keep(err)
	}
}
