package recovery

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// Names of stages that are asked for by name.
const (
	switchStage = "switch traffic"
	stableStage = "stable"
)

// The stages of a recovery, and the platform's event that ends each. The
// event is the first of its kind after the request that the recovery is
// counted from. The stages follow each other in the order in which they really
// ended, each from the end of the one before it, so that together they are
// the whole recovery up to its last answer; one whose event is missing is left out, and its time
// falls to the next. That may be longer than the RTO, by the latency of the operations that
// were due when service came back.
var stageEvents = []struct {
	stage string
	kinds []record.EventKind // the first that occurred at all
}{
	{"detect", []record.EventKind{record.EventSuspect, record.EventStrike}},
	{"arbitrate", []record.EventKind{record.EventConfirmed}},
	{"elect", []record.EventKind{record.EventElected, record.EventBusElected}},
	{switchStage, []record.EventKind{record.EventWeights}},
}

// stages takes the recovery of one series apart; none without an outage.
func stages(run *index.Run, r *recovery) []record.Stage {
	if len(r.Outages) == 0 || r.requested < 0 {
		return nil
	}
	// The window opens with the operation that was due then; its answer, and the
	// events that made it possible, may come up to the latency limit later.
	end := max(r.stable, r.requested+r.FirstAck)
	if r.stable < 0 {
		end = run.End
	}
	var out []record.Stage
	for _, s := range stageEvents {
		if e, ok := firstEvent(run.Record.Events, s.kinds, r.requested, end); ok {
			out = append(out, record.Stage{Name: s.stage, To: e.At, Description: index.DescribeEvent(e)})
		}
	}
	if r.FirstAck >= 0 {
		out = append(out, record.Stage{Name: "first success", To: min(r.requested+r.FirstAck, end), Description: "first acknowledgement to " + r.name()})
	}
	slices.SortStableFunc(out, func(a, b record.Stage) int { return cmp.Compare(a.To, b.To) })
	last := record.Stage{Name: stableStage, To: end, Description: "the stability window is open"}
	if r.stable < 0 {
		last.Description = "never; observation ends"
	}
	out = append(out, last)
	from := r.requested
	for i := range out {
		out[i].From, out[i].Budget = from, budgetOf(run.Objectives.Stages, out[i].Name)
		from = out[i].To
	}
	return out
}

// budgetOf is the budget of a stage, 0 for none. "switch" is the short name of its stage.
func budgetOf(budgets map[string]time.Duration, stage string) time.Duration {
	if b, ok := budgets[stage]; ok {
		return b
	}
	if stage == switchStage {
		return budgets["switch"]
	}
	return 0
}

// firstEvent is the system's first event of the first kind that occurred. An election may
// have been seen by asking the nodes.
func firstEvent(events []record.Event, kinds []record.EventKind, from, to time.Duration) (found record.Event, ok bool) {
	for _, kind := range kinds {
		for _, e := range events {
			if (e.Source == record.FromPlatform || e.Election()) && e.Kind == kind && e.At >= from && e.At <= to && (!ok || e.At < found.At) {
				found, ok = e, true
			}
		}
		if ok {
			break
		}
	}
	return found, ok
}

// judgeStages holds each stage that has a budget to it, in the worst series of
// each episode. A budget whose stage did not take place, for its event is
// missing, was not tested: the finding is vacuous then, and names it.
func judgeStages(run *index.Run, worstOfEach []*recovery) []record.Finding {
	if len(run.Objectives.Stages) == 0 {
		return nil
	}
	f := record.Finding{Check: "rto stages", Verdict: record.Pass}
	judged, over, absent := 0, []string{}, []string{}
	for _, r := range worstOfEach {
		stages := stages(run, r)
		if len(stages) == 0 {
			continue // nothing was to recover from
		}
		in := ""
		if len(worstOfEach) > 1 {
			in = fmt.Sprintf(" in episode %d", r.Episode)
		}
		missing := maps.Clone(run.Objectives.Stages)
		for _, s := range stages {
			took := s.To - s.From
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s%s: %s, ended by %s", s.Name, in, duration.Format(took), s.Description))
			switch {
			case s.Budget == 0:
				continue
			case took > s.Budget:
				over = append(over, fmt.Sprintf("%s took %s > %s%s", s.Name, duration.Format(took), duration.Exact(s.Budget), in))
			case s.Name == stableStage && r.stable < 0:
				continue // it never came, and what was observed is within its budget
			}
			judged++
			delete(missing, s.Name)
			if s.Name == switchStage {
				delete(missing, "switch")
			}
		}
		for _, name := range slices.Sorted(maps.Keys(missing)) {
			absent = append(absent, name+in)
		}
	}
	switch {
	case len(over) > 0:
		f.Verdict, f.Description = record.Fail, strings.Join(over, ", ")
	case judged == 0:
		f.Verdict, f.Description = record.Vacuous, "no stage with a budget took place"
	case len(absent) > 0:
		f.Verdict, f.Description = record.Vacuous, fmt.Sprintf("%s within budget, and these did not take place: %s", format.Count(judged, "stage"), strings.Join(absent, ", "))
	default:
		f.Description = fmt.Sprintf("%s within budget", format.Count(judged, "stage"))
	}
	return []record.Finding{f}
}

// longestStage names the stage that took the most time. It may be longer than
// the RTO, which ends when the first good operation was due.
func longestStage(stages []record.Stage) string {
	if len(stages) == 0 {
		return ""
	}
	s := slices.MaxFunc(stages, func(a, b record.Stage) int { return cmp.Compare(a.To-a.From, b.To-b.From) })
	return fmt.Sprintf("longest stage: %s, %s (stages count to the first answer)", s.Name, duration.Format(s.To-s.From))
}
