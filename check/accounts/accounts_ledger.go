// Package accounts judges whether money was conserved: every read of a bank's balances
// adds up to the total that it was opened with, no balance is below zero, and what
// the nodes hold in the end is what the acknowledged transfers made of the
// opening balances, together with some of those that got no answer. So a
// transfer that was lost, applied twice, or applied in half is found. A read
// under load must be explained in the same way, and a transfer that was answered as not
// applied must have had a reason. In which order transfers took effect is not judged.
package accounts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Check judges every bank of the run; a run without one has no finding.
func Check(run *index.Run) []record.Finding {
	banks := run.Keys().Banks
	if len(banks) == 0 {
		return nil
	}
	f := record.Finding{Check: "accounts", Verdict: record.Pass}
	nodes := run.Readers()
	var lines []string
	for _, k := range banks {
		l := newLedger(k, *run.Objectives.Linearizable)
		verdict, line := l.verdict(nodes)
		lines = append(lines, k.Name+": "+line)
		f.Verdict = record.Worst(f.Verdict, verdict)
		f.Evidence = append(f.Evidence, l.violations...)
	}
	f.Description = strings.Join(lines, "; ")
	f.Evidence = format.First(f.Evidence)
	return []record.Finding{f}
}

// ledger is what the clients of one bank sent and were answered.
type ledger struct {
	opening    map[string]int64 // nil when no opening is on record
	total      int64
	applied    []*history.Op // transfers that were acknowledged as applied
	unknown    []*history.Op // transfers without an answer
	declined   []*history.Op // transfers acknowledged as not applied
	fresh      bool          // a read must show what was acknowledged before it
	reads      int
	liveReads  []balanceRead // the reads under load that must be fresh
	skipped    int           // those of liveReads that were not explained, because that would take too long
	final      keyindex.FinalReads
	endings    map[topology.NodeID]map[string]int64 // the final balances through each node
	violations []string
	undecided  string // why it is not known whether the final balances can be explained
}

func newLedger(k keyindex.Key, fresh bool) *ledger {
	l := &ledger{fresh: fresh, final: k.FinalReads(), endings: map[topology.NodeID]map[string]int64{}}
	for _, op := range k.Ops {
		if op.Kind == history.Open && op.Outcome == history.OK {
			l.opening, l.total = map[string]int64{}, 0
			for _, account := range op.Set {
				l.opening[account] = op.Amount
				l.total += op.Amount
			}
		}
	}
	for _, op := range k.Ops {
		switch op.Kind {
		case history.Transfer:
			l.transfer(op)
		case history.Balances:
			l.read(op)
		}
	}
	return l
}

func (l *ledger) transfer(op *history.Op) {
	switch {
	case op.Outcome == history.Unknown:
		l.unknown = append(l.unknown, op)
	case op.Outcome == history.OK && op.Applied:
		l.applied = append(l.applied, op)
	case op.Outcome == history.OK:
		l.declined = append(l.declined, op)
	}
}

// read judges one answer by itself.
func (l *ledger) read(op *history.Op) {
	if op.Outcome != history.OK || l.opening == nil || (op.Stale && len(op.Set) == 0) {
		return
	}
	l.reads++
	balances := map[string]int64{}
	var total int64
	for _, entry := range op.Set {
		account, amount, _ := strings.Cut(entry, "=")
		n, err := strconv.ParseInt(amount, 10, 64)
		if _, known := l.opening[account]; err != nil || !known {
			l.violation("%s: it holds %q, which was not opened", format.Operation(op), entry)
			return
		}
		if n < 0 {
			l.violation("%s: %s is overdrawn by %d", format.Operation(op), account, -n)
		}
		balances[account] = n
		total += n
	}
	switch {
	case len(balances) < len(l.opening):
		l.violation("%s: %d of %d accounts are missing", format.Operation(op), len(l.opening)-len(balances), len(l.opening))
	case total != l.total:
		l.violation("%s: the total is %d, %+d from the %d that it must be", format.Operation(op), total, total-l.total, l.total)
	case !op.Final && !op.Stale && l.fresh:
		l.liveReads = append(l.liveReads, balanceRead{op, balances})
	case op.Final && l.final.By[op.ReadThrough] == op:
		l.endings[op.ReadThrough] = balances
	}
}

func (l *ledger) violation(format string, args ...any) {
	l.violations = append(l.violations, fmt.Sprintf(format, args...))
}

// verdict judges the bank and describes the reason.
func (l *ledger) verdict(nodes []topology.NodeID) (record.Verdict, string) {
	taken := 0
	if l.opening != nil && len(l.violations) == 0 {
		taken = l.explainEndings()
		l.judgeDeclined()
		l.explainLiveReads()
	}
	missing, _ := l.final.Missing(nodes)
	switch {
	case len(l.violations) > 0:
		return record.Fail, fmt.Sprintf("%s cannot be right, first: %s", format.Count(len(l.violations), "answer"), l.violations[0])
	case l.opening == nil:
		return record.Unknown, "its opening balances are not on record"
	case len(missing) > 0:
		return record.Unknown, "its final balances were not read through " + format.Nodes(missing)
	case l.undecided != "":
		return record.Unknown, l.undecided
	case len(l.applied) == 0:
		return record.Vacuous, "no transfer was applied"
	}
	text := fmt.Sprintf("the final balances are the opening ones after %s and %d of %d without an answer; %s add up to %d",
		format.Count(len(l.applied), "acknowledged transfer"), taken, len(l.unknown), format.Count(l.reads, "read"), l.total)
	if n := len(l.liveReads); n > 0 {
		text += fmt.Sprintf(", %d of %d under load explained", n-l.skipped, n)
	}
	return record.Pass, text + fmt.Sprintf("; %d not applied", len(l.declined))
}

// difference returns by how much each balance differs from the expected one, as numbers and in words.
func difference(balances, expected map[string]int64) (over map[string]int64, words []string) {
	over = map[string]int64{}
	for account, amount := range balances {
		if d := amount - expected[account]; d != 0 {
			over[account] = d
			words = append(words, fmt.Sprintf("%s %+d", account, d))
		}
	}
	slices.Sort(words)
	return over, words
}

// applyTransfer books a transfer.
func applyTransfer(balances map[string]int64, op *history.Op) {
	balances[op.From] -= op.Amount
	balances[op.To] += op.Amount
}
