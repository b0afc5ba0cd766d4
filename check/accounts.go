package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// judgeAccounts asks whether money was kept: every read of a bank's balances
// comes to the total it was opened with, no balance is below zero, and what
// the nodes hold in the end is what the acknowledged transfers made of the
// opening balances, together with some of those that got no answer. So a
// transfer that was lost, applied twice, or applied in half is seen. A read
// under load must be explained so too, and a transfer that was answered as not
// done must have had a reason. In which order transfers took effect is not asked.
func judgeAccounts(_ context.Context, v *view, _ *record.Result) []record.Finding {
	banks := v.index().banks
	if len(banks) == 0 {
		return nil
	}
	f := record.Finding{Check: "accounts", Verdict: record.Pass}
	var says []string
	for _, o := range banks {
		b := newBank(v, o)
		verdict, line := b.verdict(v.readers())
		says = append(says, o.key+": "+line)
		f.Verdict = record.Worst(f.Verdict, verdict)
		f.Evidence = append(f.Evidence, b.offences...)
	}
	f.Description = strings.Join(says, "; ")
	f.Evidence = f.Evidence[:min(len(f.Evidence), kept)]
	return []record.Finding{f}
}

// bankBook is what the clients were told of one bank.
type bankBook struct {
	opening   map[string]int64 // nil when no opening is on record
	total     int64
	done      []*history.Op // transfers that were acknowledged as done
	unknown   []*history.Op // transfers without an answer
	declined  []*history.Op // transfers acknowledged as not done
	fresh     bool          // a read must show what was acknowledged before it
	reads     int
	shown     []shown // the reads under load that must
	skipped   int     // of them, for the work that they would take
	finals    finals
	endings   map[topology.NodeID]map[string]int64
	offences  []string
	undecided string // why the end cannot be told
}

func newBank(v *view, o object) *bankBook {
	b := &bankBook{endings: map[topology.NodeID]map[string]int64{}, fresh: *v.obj.Linearizable}
	for _, i := range o.ops {
		if op := &v.run.Ops[i]; op.Kind == history.Open && op.Outcome == history.OK {
			b.opening = map[string]int64{}
			for _, account := range op.Set {
				b.opening[account] = op.Amount
				b.total += op.Amount
			}
		}
	}
	for _, i := range o.ops {
		switch op := &v.run.Ops[i]; op.Kind {
		case history.Transfer:
			b.transfer(op)
		case history.Balances:
			b.read(op)
		}
	}
	return b
}

func (b *bankBook) transfer(op *history.Op) {
	switch {
	case op.Outcome == history.Unknown:
		b.unknown = append(b.unknown, op)
	case op.Outcome == history.OK && op.Applied:
		b.done = append(b.done, op)
	case op.Outcome == history.OK:
		b.declined = append(b.declined, op)
	}
}

// read looks at one answer by itself.
func (b *bankBook) read(op *history.Op) {
	if op.Final {
		b.finals.note(op, &tally{})
	}
	if op.Outcome != history.OK || b.opening == nil || (op.Stale && len(op.Set) == 0) {
		return
	}
	b.reads++
	held := map[string]int64{}
	var total int64
	for _, entry := range op.Set {
		account, amount, _ := strings.Cut(entry, "=")
		n, err := strconv.ParseInt(amount, 10, 64)
		if _, known := b.opening[account]; err != nil || !known {
			b.offend("%s: it holds %q, which was not opened", describe(op), entry)
			return
		}
		if n < 0 {
			b.offend("%s: %s is overdrawn by %d", describe(op), account, -n)
		}
		held[account] = n
		total += n
	}
	switch {
	case len(held) < len(b.opening):
		b.offend("%s: %d of %d accounts are missing", describe(op), len(b.opening)-len(held), len(b.opening))
	case total != b.total:
		b.offend("%s: the total is %d, %+d from the %d that it must be", describe(op), total, total-b.total, b.total)
	case !op.Final && !op.Stale && b.fresh:
		b.shown = append(b.shown, shown{op, held})
	case op.Final && b.finals.by[op.ReadThrough] == op:
		b.endings[op.ReadThrough] = held
	}
}

func (b *bankBook) offend(format string, args ...any) {
	b.offences = append(b.offences, fmt.Sprintf(format, args...))
}

// verdict judges the bank, and says what it found.
func (b *bankBook) verdict(nodes []topology.NodeID) (record.Verdict, string) {
	taken := 0
	if b.opening != nil && len(b.offences) == 0 {
		taken = b.explainEndings()
		b.judgeDeclined()
		b.explainReads()
	}
	silent := slices.DeleteFunc(slices.Clone(nodes), func(n topology.NodeID) bool { return b.finals.by[n] != nil })
	switch {
	case len(b.offences) > 0:
		return record.Fail, fmt.Sprintf("%s, first: %s", count(len(b.offences), "answer")+" that cannot be", b.offences[0])
	case b.opening == nil:
		return record.Unknown, "what it was opened with is not on record"
	case len(silent) > 0:
		return record.Unknown, "its final balances were not read through " + nodeList(silent)
	case b.undecided != "":
		return record.Unknown, b.undecided
	case len(b.done) == 0:
		return record.Vacuous, "no transfer was done"
	}
	says := fmt.Sprintf("the final balances are what %s, and %d of %d without an answer, made of the opening ones; %s come to %d",
		count(len(b.done), "acknowledged transfer"), taken, len(b.unknown), count(b.reads, "read"), b.total)
	if n := len(b.shown); n > 0 {
		says += fmt.Sprintf(", %d of %d under load explained", n-b.skipped, n)
	}
	return record.Pass, says + fmt.Sprintf("; %d not done", len(b.declined))
}

// explainEndings asks, of each different set of final balances, whether
// acknowledged and unanswered transfers explain it, and returns how many of the
// unanswered they need.
func (b *bankBook) explainEndings() (taken int) {
	expected := map[string]int64{}
	for account, amount := range b.opening {
		expected[account] = amount
	}
	for _, op := range b.done {
		expected[op.From] -= op.Amount
		expected[op.To] += op.Amount
	}
	seen := map[string]bool{}
	for node, held := range b.endings {
		over := map[string]int64{} // what is held beyond what was expected
		var off []string
		for account, amount := range held {
			if d := amount - expected[account]; d != 0 {
				over[account] = d
				off = append(off, fmt.Sprintf("%s %+d", account, d))
			}
		}
		slices.Sort(off)
		if key := strings.Join(off, ", "); !seen[key] {
			seen[key] = true
			n, answer := explain(over, b.unknown, explainSteps)
			switch answer {
			case impossible:
				b.offend("the final balances through %s differ from the acknowledged transfers by %s, which no choice among %s without an answer explains%s",
					node, few(off, 6, strings.Clone), count(len(b.unknown), "transfer"), b.guess(over))
			case undecided:
				b.undecided = fmt.Sprintf("%s without an answer are too many to try all choices: each balance is within its bounds, no more can be told", count(len(b.unknown), "transfer"))
			}
			taken = max(taken, n)
		}
	}
	slices.Sort(b.offences)
	return taken
}

// guess names a transfer that, lost or applied twice, would explain the rest.
func (b *bankBook) guess(over map[string]int64) string {
	candidates := slices.Concat(b.done, b.unknown)
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
			if _, answer := explain(without, b.unknown, explainSteps/1000); answer == possible {
				return fmt.Sprintf("; they would fit if this one had been %s: %s", as.what, describe(op))
			}
		}
	}
	return ""
}

// bankTally is what rpo tells of a bank: final reads that differ, and transfers
// acknowledged by a minority. Whether transfers were lost, accounts tells.
func bankTally(v *view, nodes []topology.NodeID, o object) (t tally) {
	var last finals
	for _, i := range o.ops {
		op := &v.run.Ops[i]
		switch {
		case op.Kind == history.Transfer && op.Outcome == history.OK:
			t.minority(v, op)
		case op.Kind == history.Balances && op.Final:
			last.note(op, &t)
		}
	}
	for _, n := range nodes {
		op, first := last.by[n], last.by[nodes[0]]
		if op != nil && first != nil && !slices.Equal(slices.Sorted(slices.Values(op.Set)), slices.Sorted(slices.Values(first.Set))) {
			t.diverged = append(t.diverged, dated{op.Call, fmt.Sprintf("the balances of %s on %s differ from those on %s", o.key, n, nodes[0])})
		}
	}
	return t
}
