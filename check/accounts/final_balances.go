package accounts

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// explainEndings judges, of each different set of final balances, whether
// acknowledged and unanswered transfers explain it, and returns how many of the
// unanswered they need.
func (l *ledger) explainEndings() (taken int) {
	expected := maps.Clone(l.opening)
	for _, op := range l.applied {
		applyTransfer(expected, op)
	}
	judged := map[string]bool{}
	for node, balances := range l.endings {
		over, words := difference(balances, expected)
		key := strings.Join(words, ", ")
		if judged[key] {
			continue
		}
		judged[key] = true
		n, answer := explain(over, l.unknown, maxSteps)
		switch answer {
		case impossible:
			l.violation("the final balances through %s differ from the acknowledged transfers by %s, which no choice among %s without an answer explains%s",
				node, format.List(words, 6, strings.Clone), format.Count(len(l.unknown), "transfer"), l.suspect(over))
		case undecided:
			l.undecided = fmt.Sprintf("%s without an answer are too many to try all choices: each balance is within its bounds, and more is not known", format.Count(len(l.unknown), "transfer"))
		}
		taken = max(taken, n)
	}
	slices.Sort(l.violations)
	return taken
}

// suspect names a transfer that, lost or applied twice, would explain the difference.
func (l *ledger) suspect(over map[string]int64) string {
	candidates := slices.Concat(l.applied, l.unknown)
	slices.SortFunc(candidates, func(x, y *history.Op) int { return cmp.Compare(x.Call, y.Call) })
	for _, op := range candidates {
		for _, as := range []struct {
			sign int64
			what string
		}{{1, "applied twice"}, {-1, "lost"}} {
			if as.sign < 0 && op.Outcome != history.OK {
				continue
			}
			without := map[string]int64{op.From: as.sign * op.Amount, op.To: -as.sign * op.Amount}
			for account, d := range over {
				without[account] += d
			}
			if _, answer := explain(without, l.unknown, maxSteps/1000); answer == possible {
				return fmt.Sprintf("; they would fit if this one had been %s: %s", as.what, format.Operation(op))
			}
		}
	}
	return ""
}

// judgeDeclined judges whether a transfer that was answered as not applied could
// not have been: its account held the amount even if every other transfer from it,
// applied or unanswered, had been applied before, and none to it.
func (l *ledger) judgeDeclined() {
	out := map[string]int64{}
	for _, op := range slices.Concat(l.applied, l.unknown) {
		out[op.From] += op.Amount
	}
	for _, op := range l.declined {
		opening, from := l.opening[op.From]
		_, to := l.opening[op.To]
		if lowest := opening - out[op.From]; from && to && op.From != op.To && op.Amount > 0 && op.Amount <= lowest {
			l.violation("%s was answered as not applied, though %s held at least %d at all times", format.Operation(op), op.From, lowest)
		}
	}
}
