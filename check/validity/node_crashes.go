package validity

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// NodeCrashes judges whether every node ran except where a fault ended it. What
// a crash takes away looks like the work of a fault, so a node that exits by itself is a
// failure of its own. One that was killed for its memory may be the machine's
// fault, and makes the run unknown.
func NodeCrashes(run *index.Run) []record.Finding {
	f := record.Finding{Check: "node crashes", Verdict: record.Pass, Description: "no node exited by itself"}
	for _, e := range run.Record.Events {
		if e.Source != record.FromEngine || e.Kind != record.EventCrashed && e.Kind != record.EventOutOfMemory {
			continue
		}
		line := fmt.Sprintf("%s %s at %s, see nodes/%s.log", e.Node, e.Description, duration.Format(e.At), e.Node)
		if len(f.Evidence) == 0 {
			f.Description = line
		}
		f.Evidence = append(f.Evidence, line)
		verdict := record.Fail
		if e.Kind == record.EventOutOfMemory {
			verdict = record.Unknown
		}
		f.Verdict = record.Worst(f.Verdict, verdict)
	}
	if n := len(f.Evidence) - 1; n > 0 {
		f.Description += fmt.Sprintf(" (and %d more)", n)
	}
	return []record.Finding{f}
}
