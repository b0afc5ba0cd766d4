// Package degradation judges how a system behaves that cannot serve everything: whether it
// rejects writes while it has no quorum, sheds load when it is overloaded, and goes on with
// what it can do in a region that is cut off.
package degradation

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/quorum"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// noRejectionMarks is why a record of an earlier version cannot prove a rejection.
const noRejectionMarks = "and the record does not say which of these a server rejected: it was made before that was recorded"

// QuorumLossRejection judges the objective that without a quorum anywhere no write was acknowledged,
// and that at least one was rejected by a server, within the latency limit: a write that
// reached no server was rejected by none. Only writes that were called after
// the proof of the fault and ended before the request of its heal count.
func QuorumLossRejection(run *index.Run) []record.Finding {
	if !run.Objectives.RejectWithoutQuorum {
		return nil
	}
	f := record.Finding{Check: "quorum loss rejection"}
	w := writesWithoutQuorum(run)
	f.Evidence = format.First(w.acked)
	length := duration.Format(w.length)
	switch {
	case len(run.Quorum.NoQuorum) == 0:
		f.Verdict, f.Description = record.Vacuous, "there was a quorum at all times"
	case len(w.acked) > 0:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("%s acknowledged without a quorum, first: %s", format.Count(len(w.acked), "write"), w.acked[0])
	case w.tried == 0:
		f.Verdict, f.Description = record.Vacuous, "no write was tried without a quorum"
	case w.failed > 0 && !run.Record.HasRejectionMarks:
		f.Verdict, f.Description = record.Unknown, fmt.Sprintf("no write acknowledged in %s without a quorum; %d of %d failed, %s", length, w.failed, w.tried, noRejectionMarks)
	case w.rejected == 0:
		f.Verdict, f.Description = record.Fail, fmt.Sprintf("none of %s was rejected by a server within %s while there was no quorum: %d failed without an answer or too late, the others got no answer",
			format.Count(w.tried, "write"), duration.Exact(run.SLO.Latency), w.failed)
	default:
		f.Verdict = record.Pass
		f.Description = fmt.Sprintf("no write acknowledged in %s without a quorum; %d of %d rejected (%s)", length, w.rejected, w.tried, w.reason)
	}
	return []record.Finding{f}
}

// attempts are the writes that were tried while there was no quorum anywhere.
type attempts struct {
	length                  time.Duration // of the windows without a quorum
	tried, failed, rejected int
	reason                  string   // of the first rejection
	acked                   []string // a line for each
}

func writesWithoutQuorum(run *index.Run) attempts {
	var out attempts
	for _, s := range quorum.Spans(run.Quorum.NoQuorum, run.End) {
		out.length += s.To - s.From
	}
	for i := range run.Record.Ops {
		op := &run.Record.Ops[i]
		if op.Kind.Class() != history.Writes || op.Error == history.Dropped {
			continue
		}
		w, ok := quorum.At(run.Quorum.NoQuorum, op.Call)
		if !ok {
			continue
		}
		out.tried++
		switch op.Outcome {
		case history.OK:
			if op.Return < w.To && (op.Kind != history.CAS || op.Applied) {
				out.acked = append(out.acked, fmt.Sprintf("%s, called %s after the quorum was lost", format.Write(op), duration.Format(op.Call-w.From)))
			}
		case history.Failed:
			out.failed++
			if !op.Rejected || op.Return-op.Call > run.SLO.Latency {
				continue
			}
			if out.rejected++; out.reason == "" {
				out.reason = op.Error
			}
		}
	}
	return out
}
