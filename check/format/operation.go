package format

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/history"
)

// Request prints what an operation asked for and what it was answered.
func Request(op *history.Op) string {
	switch op.Kind {
	case history.Read:
		return fmt.Sprintf("read %s → %q", op.Key, op.Output)
	case history.CAS:
		s := fmt.Sprintf("cas %s %q→%q", op.Key, op.Expect, op.Value)
		if op.Outcome == history.OK && !op.Applied {
			s += " (not applied)"
		}
		return s
	case history.SetRead:
		return fmt.Sprintf("read of set %s → %s", op.Key, Count(len(op.Set), "element"))
	case history.ListRead:
		return fmt.Sprintf("read of list %s → %s", op.Key, listEnd(op.Set))
	case history.Transfer:
		return fmt.Sprintf("transfer %d from %s to %s", op.Amount, op.From, op.To)
	case history.Balances:
		return "balances"
	case history.Consume, history.Messages:
		return fmt.Sprintf("%s %s → %s", op.Kind, op.Key, Count(len(op.Set), "message"))
	default:
		return fmt.Sprintf("%s %s=%q", op.Kind, op.Key, op.Value)
	}
}

// listEnd prints a list by its length and its last elements: lists that differ mostly do so at the end.
func listEnd(all []string) string {
	if len(all) <= 5 {
		return fmt.Sprintf("%q", all)
	}
	return fmt.Sprintf("%s, the last %q", Count(len(all), "element"), all[len(all)-5:])
}

// Operation prints an operation with its interval, its client and the node that
// answered.
func Operation(op *history.Op) string {
	client := Client(op)
	if op.ReadThrough != "" {
		client = "final read through " + string(op.ReadThrough)
	}
	end := fmt.Sprintf("%.3f s", op.Return.Seconds())
	if op.Outcome == history.Unknown {
		end = "no answer"
	}
	s := fmt.Sprintf("%s: %.3f s – %s %s by %s", op.Key, op.Call.Seconds(), end, Request(op), client)
	if op.Node != "" {
		s += ", answered by " + string(op.Node)
	}
	return s
}

// Write prints a write with its outcome: who acknowledged it and in which term.
func Write(op *history.Op) string {
	s := fmt.Sprintf("%s %s=%s", op.Kind, op.Key, op.Value)
	if op.Kind == history.Transfer {
		s = fmt.Sprintf("transfer of %d from %s to %s of %s", op.Amount, op.From, op.To, op.Key)
	}
	switch op.Outcome {
	case history.OK:
		s += " acknowledged"
		if op.Node != "" {
			s += " by " + string(op.Node)
		}
		if op.Term > 0 {
			s += fmt.Sprintf(" in term %d", op.Term)
		}
		return s + fmt.Sprintf(" to %s", op.Region)
	case history.Failed:
		return s + fmt.Sprintf(" rejected (%s)", op.Error)
	default:
		return s + " not answered"
	}
}
