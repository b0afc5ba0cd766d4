package check

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/record"
)

// judgeSwitch asserts that traffic was moved after the first fault, or that it
// never was. The system is taken at its word, for clients may leave a region
// by themselves.
func judgeSwitch(_ context.Context, v *view, _ *record.Result) []record.Finding {
	if v.obj.TrafficSwitch == nil {
		return nil
	}
	f := record.Finding{Check: "traffic switch"}
	told := v.told()
	var first string
	moves := 0
	for _, e := range told {
		if e.Kind != record.EventWeights || e.At < v.start || e.At > v.end {
			continue
		}
		if moves++; moves == 1 {
			first = fmt.Sprintf("%s after the first fault (%s)", seconds(e.At-v.start), saysEvent(e))
		}
		if len(f.Evidence) < kept {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s after the first fault: %s", seconds(e.At-v.start), saysEvent(e)))
		}
	}
	switch {
	case len(v.faults) == 0:
		f.Verdict, f.Description = record.Vacuous, "there was no fault to move traffic"
	case len(told) == 0:
		f.Verdict, f.Description = record.Unknown, "the system tells nothing of itself"
	case moves > 0 && *v.obj.TrafficSwitch:
		f.Verdict, f.Description = record.Pass, "traffic was moved, first "+first
	case moves > 0:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("traffic was moved %s, and must not be: first %s", times(moves), first)
	case *v.obj.TrafficSwitch:
		f.Verdict, f.Description = record.Fail, "traffic was never moved after the first fault, and must be"
	default:
		f.Verdict, f.Description = record.Pass, "traffic was never moved after the first fault"
	}
	return []record.Finding{f}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return count(n, "time")
}
