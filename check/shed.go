package check

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// judgeShedding asserts that overload was answered by refusals: there were
// some, they came quickly, and they are most of what was not served. A system
// that takes on what it cannot do lets everything time out instead. What a
// client was too busy to send is not counted: the system did not see it.
func judgeShedding(_ context.Context, v *view, _ *record.Result) []record.Finding {
	if !v.obj.LoadShedding {
		return nil
	}
	f := record.Finding{Check: "load shedding"}
	var took []time.Duration
	var tried, failed int // of those failed, the refusals are in took
	for i := range v.run.Ops {
		op := &v.run.Ops[i]
		if op.Final || op.Intended < v.start || op.Intended >= v.end || op.Error == history.Dropped {
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
	var p99 time.Duration
	if n := len(took); n > 0 {
		p99 = took[(n*99-1)/100]
	}
	says := fmt.Sprintf("%d of %s refused for want of resources, 99 %% of them within %s; %d failed otherwise",
		len(took), count(tried, "operation"), seconds(p99), failed-len(took))
	switch {
	case len(v.faults) == 0:
		f.Verdict, f.Description = record.Vacuous, "no fault was injected"
	case len(took) == 0:
		f.Verdict, f.Description = record.Fail, "nothing was refused for want of resources: "+says
	case p99 > v.def.Latency:
		f.Verdict, f.Description = record.Fail, "refusals came too slowly: "+says
	case 2*len(took) < failed:
		f.Verdict, f.Description = record.Fail, "most of what was not served was not refused: "+says
	default:
		f.Verdict, f.Description = record.Pass, says
	}
	return []record.Finding{f}
}
