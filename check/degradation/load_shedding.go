package degradation

import (
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// LoadShedding judges the objective that overload was answered by rejections: there were
// some, they came quickly, and they are most of what was not served. A system
// that accepts what it cannot do lets everything time out instead. What a
// client was too busy to send is not counted: the system did not see it.
func LoadShedding(run *index.Run) []record.Finding {
	if !run.Objectives.LoadShedding {
		return nil
	}
	f := record.Finding{Check: "load shedding"}
	var took []time.Duration // of each call that was shed
	var tried, failed int    // shed ones are among the failed
	for i := range run.Record.Ops {
		op := &run.Record.Ops[i]
		if op.Final || op.Intended < run.Start || op.Intended >= run.End || op.Error == history.Dropped {
			continue
		}
		tried++
		if op.Outcome == history.OK {
			continue
		}
		failed++
		if op.Shed {
			took = append(took, op.Return-op.Call)
		}
	}
	slices.Sort(took)
	p99 := history.Percentile(took, 99)
	summary := fmt.Sprintf("%d of %s rejected for lack of resources, 99 %% of them within %s; %d failed otherwise",
		len(took), format.Count(tried, "operation"), duration.Format(p99), failed-len(took))
	switch {
	case len(run.Faults) == 0:
		f.Verdict, f.Description = record.Vacuous, "no fault was injected"
	case len(took) == 0:
		f.Verdict, f.Description = record.Fail, "nothing was rejected for lack of resources: "+summary
	case p99 > run.SLO.Latency:
		f.Verdict, f.Description = record.Fail, "rejections came too slowly: "+summary
	case 2*len(took) < failed:
		f.Verdict, f.Description = record.Fail, "most of what was not served was not rejected: "+summary
	default:
		f.Verdict, f.Description = record.Pass, summary
	}
	return []record.Finding{f}
}
