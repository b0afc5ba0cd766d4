// Package models judges a history alone, without the record of a run: whether its registers, sets or lists are
// linearizable, and whether its banks conserve their total. It knows no faults, so it measures no recovery.
package models

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/check/linear"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/history/foreign"
	"github.com/mcp-resilience/holdfast/record"
)

// Options say how to judge. The zero value is usable.
type Options struct {
	linear.Options
	// Total is what the accounts of each bank hold together; nil means what the bank was opened with, or
	// else what the first read shows.
	Total *int64
}

// Result is the verdict on a history.
type Result struct {
	Model      foreign.Model  `json:"model"`
	Verdict    record.Verdict `json:"verdict"`
	Keys       int            `json:"keys"`       // judged
	Operations int            `json:"operations"` // judged
	Violations []Violation    `json:"violations,omitempty"`
	Undecided  []Undecided    `json:"undecided,omitempty"`

	compared int // reads of banks whose total was compared with one that is known from elsewhere
}

// Violation is a key that does not fit the model.
type Violation struct {
	Key      string   `json:"key"`
	Evidence []string `json:"evidence"` // three lines at most
}

// Undecided is a key on which the search was given up.
type Undecided struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// Judge judges a history by a model. Operations of other models must be left out before.
func Judge(ctx context.Context, model foreign.Model, ops []history.Op, o Options) Result {
	out := Result{Model: model}
	keys := keyindex.New(ops)
	if model == foreign.Bank {
		for _, k := range keys.Banks {
			out.judgeBank(k, o.Total)
		}
	} else {
		r := linear.CheckKeys(ctx, keys, o.Options)
		out.Keys, out.Operations = r.Keys, r.Ops
		for _, v := range r.Violations {
			out.Violations = append(out.Violations, Violation{v.Key, v.Counterexample})
		}
		for _, u := range r.Undecided {
			out.Undecided = append(out.Undecided, Undecided{u.Key, u.Reason})
		}
	}
	switch {
	case len(out.Violations) > 0:
		out.Verdict = record.Fail
	case len(out.Undecided) > 0:
		out.Verdict = record.Unknown
	case out.Operations == 0, !answered(ops), model == foreign.Bank && out.compared == 0:
		out.Verdict = record.Vacuous
	default:
		out.Verdict = record.Pass
	}
	return out
}

// answered reports whether any answer shows what the system holds. Writes that nobody read, and operations of
// which no outcome is known, agree with every model.
func answered(ops []history.Op) bool {
	return slices.ContainsFunc(ops, func(op history.Op) bool {
		shows := op.Kind == history.CAS || op.Class() == history.Reads && (op.Kind != history.Balances || len(op.Set) > 0)
		return shows && op.Outcome == history.OK
	})
}

// Description is the result in one sentence.
func (r *Result) Description() string {
	switch r.Verdict {
	case record.Fail:
		names := make([]string, len(r.Violations))
		for i, v := range r.Violations {
			names[i] = v.Key
		}
		return fmt.Sprintf("%d of %s not as the model %s says: %s", len(names), format.Count(r.Keys, "key"), r.Model, format.List(names, 5, strings.Clone))
	case record.Unknown:
		return fmt.Sprintf("%d of %s undecided, first: %s: %s", len(r.Undecided), format.Count(r.Keys, "key"), r.Undecided[0].Key, r.Undecided[0].Reason)
	case record.Vacuous:
		if r.Operations > 0 && r.Model == foreign.Bank {
			return fmt.Sprintf("nothing to judge: of %s no read shows a total that could be compared with another one; say --total if it is known", format.Count(r.Operations, "operation"))
		}
		if r.Operations > 0 {
			return fmt.Sprintf("nothing to judge: of %s none was answered with what the %s holds", format.Count(r.Operations, "operation"), r.Model)
		}
		return fmt.Sprintf("no operation of the model %s to judge", r.Model)
	default:
		return fmt.Sprintf("%s on %s, all as the model %s says", format.Count(r.Operations, "operation"), format.Count(r.Keys, "key"), r.Model)
	}
}
