package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/linear"
	"github.com/mcp-resilience/holdfast/record"
)

// judgeLinearizable makes a finding of what linear decides.
func judgeLinearizable(ctx context.Context, in input, out *record.Result) []record.Finding {
	if !*in.Objectives.Linearizable {
		return nil
	}
	r := linear.CheckKeys(ctx, in.Keys(), linear.Options{KeyTime: in.KeyTime, Time: in.Time, Memory: in.Memory, Workers: in.Workers})
	figures := &record.Linearizable{Keys: r.Keys, Ops: r.Ops, StaleReads: r.StaleReads}
	out.Linearizable = figures
	var evidence, undecided []string
	for _, v := range r.Violations {
		figures.Violating = append(figures.Violating, v.Key)
		evidence = append(evidence, v.Counterexample...)
	}
	for _, u := range r.Undecided {
		figures.Undecided = append(figures.Undecided, u.Key)
		undecided = append(undecided, u.Key+": "+u.Reason)
	}
	f := record.Finding{Check: "linearizable", Evidence: append(format.First(evidence), format.First(undecided)...)}
	switch {
	case len(r.Violations) > 0:
		f.Verdict = record.Fail
		f.Description = fmt.Sprintf("%d of %s not linearizable: %s", len(r.Violations), format.Count(r.Keys, "key"), format.List(figures.Violating, 5, strings.Clone))
	case len(undecided) > 0:
		f.Verdict = record.Unknown
		f.Description = fmt.Sprintf("%d of %s undecided, first: %s", len(undecided), format.Count(r.Keys, "key"), undecided[0])
	case r.Ops == 0:
		f.Verdict, f.Description = record.Vacuous, "no operation to judge"
	default:
		f.Verdict = record.Pass
		f.Description = fmt.Sprintf("%s on %s", format.Count(r.Ops, "operation"), format.Count(r.Keys, "key"))
		if r.StaleReads > 0 {
			f.Description += fmt.Sprintf("; %s left out, as asked for", format.Count(r.StaleReads, "stale read"))
		}
	}
	return []record.Finding{f}
}
