package check

import (
	"context"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/harness/history"
	"github.com/mcp-resilience/holdfast/harness/record"
)

// judgeRefusal asserts that while no majority lived no write was acknowledged,
// and that at least one was refused with an answer. Only writes that were
// called after the proof of the fault and ended before the request of its heal count.
func judgeRefusal(_ context.Context, v *view, _ *record.Judgement) []record.Finding {
	if !v.obj.Refuse {
		return nil
	}
	f := record.Finding{Promise: "refuse"}
	var length time.Duration
	for _, s := range v.damage.headless {
		length += min(s.to, v.end) - s.from
	}
	var tried, refused, acked int
	var refusal string
	for i := range v.run.Ops {
		op := &v.run.Ops[i]
		if op.Kind.Class() != history.Writes || op.Error == history.Unsent {
			continue
		}
		s, ok := at(v.damage.headless, op.Call)
		if !ok {
			continue
		}
		tried++
		switch op.Outcome {
		case history.OK:
			if op.Return < s.to && (op.Kind != history.CAS || op.Swapped) {
				acked++
				f.Evidence = append(f.Evidence, fmt.Sprintf("%s, called %s after the majority was gone", witness(op), seconds(op.Call-s.from)))
			}
		case history.Failed:
			if refused++; refusal == "" {
				refusal = op.Error
			}
		}
	}
	if len(f.Evidence) > kept {
		f.Evidence = f.Evidence[:kept]
	}
	switch {
	case len(v.damage.headless) == 0:
		f.Verdict, f.Says = record.Vacuous, "a majority lived at all times"
	case acked > 0:
		f.Verdict, f.Says = record.Fail, fmt.Sprintf("%s acknowledged while no majority lived, first: %s", count(acked, "write"), f.Evidence[0])
	case tried == 0:
		f.Verdict, f.Says = record.Vacuous, "no write was tried while no majority lived"
	case refused == 0:
		f.Verdict, f.Says = record.Fail, fmt.Sprintf("none of %s was refused while no majority lived: they got no answer", count(tried, "write"))
	default:
		f.Verdict = record.Pass
		f.Says = fmt.Sprintf("no write acknowledged in %s without a majority; %d of %d refused (%s)", seconds(length), refused, tried, refusal)
	}
	return []record.Finding{f}
}
