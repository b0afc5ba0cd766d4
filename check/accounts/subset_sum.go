package accounts

import (
	"cmp"
	"slices"

	"github.com/mcp-resilience/holdfast/history"
)

// explanation is whether some of the unanswered transfers add up to a difference.
type explanation int

const (
	impossible explanation = iota
	possible
	undecided // the search was given up; every balance is within its bounds
)

// maxSteps is how many choices are tried before the search is given up:
// a second's work.
const maxSteps = 20_000_000

// explain looks for a choice among the unanswered transfers, each applied once
// or not at all, that makes the difference: what each account holds beyond
// what is known to have happened. It returns how many of them that takes.
//
// The answer is exact unless it is undecided. The search decides the transfers
// of one account after the other, those of few transfers first, and turns back
// when what is left of an account's transfers cannot make up its difference. With
// amounts from a wide range hardly any choice survives its first account, so
// hundreds of transfers are decided as long as some account has 20 or fewer.
func explain(over map[string]int64, unknown []*history.Op, steps int) (taken int, _ explanation) {
	s, answer := search(over, unknown, steps)
	return s.taken, answer
}

// search is explain, and returns the search itself, which knows how many of the steps are left.
func search(over map[string]int64, unknown []*history.Op, steps int) (*subset, explanation) {
	s := &subset{over: map[string]int64{}, lowest: map[string]int64{}, highest: map[string]int64{}, left: steps, order: byAccount(unknown)}
	for account, d := range over {
		s.over[account] = d
	}
	for _, op := range unknown {
		s.lowest[op.From] -= op.Amount
		s.highest[op.To] += op.Amount
	}
	for account := range over {
		if !s.within(account) {
			return s, impossible
		}
	}
	switch found := s.fits(0); {
	case found:
		return s, possible
	case s.left <= 0:
		return s, undecided
	}
	return s, impossible
}

// subset is a search under way.
type subset struct {
	order           []*history.Op
	over            map[string]int64 // still to be explained, by account
	lowest, highest map[string]int64 // that the undecided transfers can make of each account
	taken, left     int
}

func (s *subset) within(account string) bool {
	return s.over[account] >= s.lowest[account] && s.over[account] <= s.highest[account]
}

// fits reports whether the transfers from the i-th on can make up what is left.
func (s *subset) fits(i int) bool {
	if i == len(s.order) {
		return true // with none undecided, within means zero
	}
	if s.left--; s.left <= 0 {
		return false
	}
	op := s.order[i]
	s.lowest[op.From] += op.Amount
	s.highest[op.To] -= op.Amount
	if s.within(op.From) && s.within(op.To) && s.fits(i+1) {
		return true
	}
	s.over[op.From] += op.Amount
	s.over[op.To] -= op.Amount
	s.taken++
	if s.within(op.From) && s.within(op.To) && s.fits(i+1) {
		return true
	}
	s.taken--
	s.over[op.From] -= op.Amount
	s.over[op.To] += op.Amount
	s.lowest[op.From] -= op.Amount
	s.highest[op.To] += op.Amount
	return false
}

// byAccount orders transfers so that those of one account are together, the
// account with the fewest first, and in it the largest first.
func byAccount(ops []*history.Op) []*history.Op {
	rest := slices.Clone(ops)
	var out []*history.Op
	for len(rest) > 0 {
		of := map[string]int{}
		for _, op := range rest {
			of[op.From]++
			of[op.To]++
		}
		best := ""
		for account, n := range of {
			if best == "" || n < of[best] || (n == of[best] && account < best) {
				best = account
			}
		}
		var mine, others []*history.Op
		for _, op := range rest {
			if op.From == best || op.To == best {
				mine = append(mine, op)
			} else {
				others = append(others, op)
			}
		}
		slices.SortStableFunc(mine, func(a, b *history.Op) int { return cmp.Compare(b.Amount, a.Amount) })
		out, rest = append(out, mine...), others
	}
	return out
}
