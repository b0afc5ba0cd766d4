package events

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// noEvents is why a check of the system's events is unknown.
const noEvents = "the system reports no events"

// TrafficSwitch judges the objective that traffic was moved after the first fault, or that it
// never was. The events of the system decide, for clients may leave a region
// by themselves.
func TrafficSwitch(run *index.Run) []record.Finding {
	want := run.Objectives.TrafficSwitch
	if want == nil {
		return nil
	}
	f := record.Finding{Check: "traffic switch"}
	reported := run.PlatformEvents()
	var first string
	var at time.Duration
	moves := 0
	for _, e := range reported {
		if e.Kind != record.EventWeights || e.At < run.Start || e.At > run.End {
			continue
		}
		after := duration.Format(e.At-run.Start) + " after the first fault"
		if moves++; moves == 1 {
			at = e.At
			first = fmt.Sprintf("%s (%s)", after, index.DescribeEvent(e))
		}
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s: %s", after, index.DescribeEvent(e)))
	}
	f.Evidence = format.First(f.Evidence)
	switch {
	case len(run.Faults) == 0:
		f.Verdict, f.Description = record.Vacuous, "there was no fault to move traffic"
	case len(reported) == 0:
		f.Verdict, f.Description = record.Unknown, noEvents
	case moves > 0 && *want:
		f.Verdict, f.Description = record.Pass, "traffic was moved, first "+first
	case moves > 0:
		f.Verdict, f.At, f.Description = record.Fail, at, fmt.Sprintf("traffic was moved %s and must not be, first %s", format.Count(moves, "time"), first)
	case *want:
		f.Verdict, f.Description = record.Fail, "traffic was never moved after the first fault, and must be"
	default:
		f.Verdict, f.Description = record.Pass, "traffic was never moved after the first fault"
	}
	return []record.Finding{f}
}
