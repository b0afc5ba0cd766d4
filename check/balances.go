package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// The work that reads under load may take: steps of the search for each, and
// for all of a bank's together.
const (
	readSteps  = 100_000
	readsSteps = 5_000_000
)

// shown is the balances that one read under load was answered with.
type shown struct {
	op   *history.Op
	held map[string]int64
}

// explainReads asks of each read under load what explainEndings asks of the
// end: it must show what every transfer that was acknowledged before its call
// made of the opening balances, and of those that were under way with it, or
// got no answer, each once or not at all. So a node that shows the past is seen
// though its sums are right. A read that would take too much work is skipped
// and counted.
func (b *bankBook) explainReads() {
	reads, done := b.shown, slices.Clone(b.done)
	slices.SortFunc(reads, func(x, y shown) int { return cmp.Compare(x.op.Call, y.op.Call) })
	slices.SortFunc(done, func(x, y *history.Op) int { return cmp.Compare(x.Return, y.Return) })
	var longest time.Duration // that a transfer took
	for _, op := range done {
		longest = max(longest, op.Return-op.Call)
	}
	expected := map[string]int64{}
	for account, amount := range b.opening {
		expected[account] = amount
	}
	left, next := readsSteps, 0
	for _, r := range reads {
		for ; next < len(done) && done[next].Return < r.op.Call; next++ {
			expected[done[next].From] -= done[next].Amount
			expected[done[next].To] += done[next].Amount
		}
		var open []*history.Op
		for _, op := range done[next:] {
			if op.Return > r.op.Return+longest {
				break // it and all after it were called after the answer
			}
			if op.Call <= r.op.Return {
				open = append(open, op)
			}
		}
		for _, op := range b.unknown {
			if op.Call <= r.op.Return {
				open = append(open, op)
			}
		}
		over := map[string]int64{}
		var off []string
		for account, amount := range r.held {
			if d := amount - expected[account]; d != 0 {
				over[account] = d
				off = append(off, fmt.Sprintf("%s %+d", account, d))
			}
		}
		if left <= 0 {
			b.skipped++
			continue
		}
		steps := min(readSteps, left)
		s, answer := search(over, open, steps)
		left -= steps - s.left
		switch answer {
		case impossible:
			slices.Sort(off)
			b.offend("%s differs from the transfers acknowledged before it by %s, which no choice among %s under way or without an answer explains",
				describe(r.op), few(off, 6, strings.Clone), count(len(open), "transfer"))
		case undecided:
			b.skipped++
		}
	}
}

// judgeDeclined asks whether a transfer that was answered as not done could
// have been: its account held the amount even if every other transfer from it,
// done or unanswered, had been applied before, and none to it.
func (b *bankBook) judgeDeclined() {
	out := map[string]int64{}
	for _, op := range slices.Concat(b.done, b.unknown) {
		out[op.From] += op.Amount
	}
	for _, op := range b.declined {
		had, from := b.opening[op.From]
		_, to := b.opening[op.To]
		if least := had - out[op.From]; from && to && op.From != op.To && op.Amount > 0 && op.Amount <= least {
			b.offend("%s was answered as not done, though %s held %d at all times at least", describe(op), op.From, least)
		}
	}
}
