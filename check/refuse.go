package check

import (
	"context"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// unmarked is why a record from before the mark cannot prove a refusal.
const unmarked = "and which of these a server answered the record does not say: it is from before that was noted"

// judgeRefusal asserts that while no majority lived no write was acknowledged,
// and that at least one was refused by a server, within the latency limit: one
// that reached nobody was refused by nobody. Only writes that were called after
// the proof of the fault and ended before the request of its heal count.
func judgeRefusal(_ context.Context, v *view, _ *record.Result) []record.Finding {
	if !v.obj.RejectWithoutQuorum {
		return nil
	}
	f := record.Finding{Check: "quorum loss rejection"}
	var length time.Duration
	for _, s := range v.damage.headless {
		length += min(s.to, v.end) - s.from
	}
	var tried, failed, refused, acked int
	var refusal string
	for i := range v.run.Ops {
		op := &v.run.Ops[i]
		if op.Kind.Class() != history.Writes || op.Error == history.Dropped {
			continue
		}
		s, ok := at(v.damage.headless, op.Call)
		if !ok {
			continue
		}
		tried++
		switch op.Outcome {
		case history.OK:
			if op.Return < s.to && (op.Kind != history.CAS || op.Applied) {
				acked++
				f.Evidence = append(f.Evidence, fmt.Sprintf("%s, called %s after the majority was gone", witness(op), seconds(op.Call-s.from)))
			}
		case history.Failed:
			failed++
			if !op.Rejected || op.Return-op.Call > v.def.Latency {
				continue
			}
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
		f.Verdict, f.Description = record.Vacuous, "a majority lived at all times"
	case acked > 0:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("%s acknowledged while no majority lived, first: %s", count(acked, "write"), f.Evidence[0])
	case tried == 0:
		f.Verdict, f.Description = record.Vacuous, "no write was tried while no majority lived"
	case failed > 0 && !v.run.HasRejectionMarks:
		f.Verdict, f.Description = record.Unknown, fmt.Sprintf("no write acknowledged in %s without a majority; %d of %d failed, %s", seconds(length), failed, tried, unmarked)
	case refused == 0:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("none of %s was refused by a server within %s while no majority lived: %d failed without an answer or too late, the others got no answer",
			count(tried, "write"), exactly(v.def.Latency), failed)
	default:
		f.Verdict = record.Pass
		f.Description = fmt.Sprintf("no write acknowledged in %s without a majority; %d of %d refused (%s)", seconds(length), refused, tried, refusal)
	}
	return []record.Finding{f}
}
