package accounts

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// The work that reads under load may take: steps of the search for each, and
// for all of a bank's together.
const (
	maxReadSteps  = 100_000
	maxReadsSteps = 5_000_000
)

// balanceRead is the balances that one read under load was answered with.
type balanceRead struct {
	op       *history.Op
	balances map[string]int64
}

// explainLiveReads judges each read under load as explainEndings judges the
// end: it must show what every transfer that was acknowledged before its call
// made of the opening balances, and of those that were under way with it, or
// got no answer, each once or not at all. So a node that shows the past is found
// though its sums are right. A read that would take too much work is skipped
// and counted.
func (l *ledger) explainLiveReads() {
	reads, applied := l.liveReads, slices.Clone(l.applied)
	slices.SortFunc(reads, func(x, y balanceRead) int { return cmp.Compare(x.op.Call, y.op.Call) })
	slices.SortFunc(applied, func(x, y *history.Op) int { return cmp.Compare(x.Return, y.Return) })
	var longest time.Duration // that a transfer took
	for _, op := range applied {
		longest = max(longest, op.Return-op.Call)
	}
	expected := maps.Clone(l.opening)
	left, next := maxReadsSteps, 0
	for _, r := range reads {
		for ; next < len(applied) && applied[next].Return < r.op.Call; next++ {
			applyTransfer(expected, applied[next])
		}
		if left <= 0 {
			l.skipped++
			continue
		}
		over, words := difference(r.balances, expected)
		open := l.openDuring(r.op, applied[next:], longest)
		steps := min(maxReadSteps, left)
		s, answer := search(over, open, steps)
		left -= steps - s.left
		switch answer {
		case impossible:
			l.violation("%s differs from the transfers acknowledged before it by %s, which no choice among %s under way or without an answer explains",
				format.Operation(r.op), format.List(words, 6, strings.Clone), format.Count(len(open), "transfer"))
		case undecided:
			l.skipped++
		}
	}
}

// openDuring lists the transfers that may or may not show in a read: of those applied, sorted by
// return, the ones that were under way with it, and all without an answer. No applied transfer took
// longer than longest.
func (l *ledger) openDuring(read *history.Op, applied []*history.Op, longest time.Duration) []*history.Op {
	var open []*history.Op
	for _, op := range applied {
		if op.Return > read.Return+longest {
			break // it and all after it were called after the answer
		}
		if op.Call <= read.Return {
			open = append(open, op)
		}
	}
	for _, op := range l.unknown {
		if op.Call <= read.Return {
			open = append(open, op)
		}
	}
	return open
}
