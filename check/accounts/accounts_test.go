package accounts_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/check"
	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// judge makes every check on a run in compressed time.
func judge(t *testing.T, r *record.Run) *record.Result {
	t.Helper()
	return check.Judge(t.Context(), r, check.Options{SLO: checktest.SLO})
}

func TestAccounts(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(m *checktest.Bank) // before the final reads
		after   func(r *record.Run)
		verdict record.Verdict
		phrase  string
	}{
		{"all is well", nil, nil, record.Pass, "and 20 of 40 without an answer; 103 reads"},
		{"a transfer was lost", func(m *checktest.Bank) {
			op := m.Some(100, history.OK, true)
			op.From, op.To = op.To, op.From
			m.Move(op)
		}, nil, record.Fail, "if this one had been lost"},
		{"a transfer was applied twice", func(m *checktest.Bank) { m.Move(m.Some(200, history.OK, true)) }, nil, record.Fail, "if this one had been applied twice"},
		{"one without an answer was applied twice", func(m *checktest.Bank) {
			m.Move(m.Some(3, history.Unknown, true)) // that one had been, once
		}, nil, record.Fail, "applied twice"},
		{"ten were applied twice", func(m *checktest.Bank) {
			for i := range 10 {
				m.Move(m.Some(10*i, history.OK, true))
			}
		}, nil, record.Fail, "no choice among 40 transfers without an answer explains"},
		{"one that was not applied was", func(m *checktest.Bank) {
			op := m.Some(0, history.OK, false)
			op.Amount = 5
			m.Move(op)
		}, nil, record.Fail, "no choice among"},
		{"half a transfer", func(m *checktest.Bank) { m.Held["a03"] += 17 }, nil, record.Fail, "the total is 20000000017, +17 from the 20000000000"},
		{"a transfer that nobody sent", func(m *checktest.Bank) { m.Held["a03"] += 17; m.Held["a04"] -= 17 }, nil, record.Fail, "no choice among"},
		{"an overdrawn account", func(m *checktest.Bank) { m.Held["a03"] -= 2e9; m.Held["a04"] += 2e9 }, nil, record.Fail, "a03 is overdrawn by"},
		{"a stale read that sums right", func(m *checktest.Bank) {
			op := m.Balances()
			op.Set = nil
			for i := range 20 {
				op.Set = append(op.Set, fmt.Sprintf("a%02d=%d", i, int64(1e9)))
			}
			op.Stale = true
			m.Add(op)
		}, nil, record.Pass, "add up to 20000000000"},
		{"a read of the past that did not ask for it", func(m *checktest.Bank) {
			op := m.Balances()
			for i := range op.Set {
				op.Set[i] = fmt.Sprintf("a%02d=%d", i, int64(1e9))
			}
			m.Add(op)
		}, nil, record.Fail, "differs from the transfers acknowledged before it by"},
		{"a read of the past where none need be fresh", func(m *checktest.Bank) {
			no := false
			m.Record.Objectives.Linearizable = &no
			op := m.Balances()
			for i := range op.Set {
				op.Set[i] = fmt.Sprintf("a%02d=%d", i, int64(1e9))
			}
			m.Add(op)
		}, nil, record.Pass, "add up to 20000000000; 50 not applied"},
		{"a read that misses one transfer", func(m *checktest.Bank) {
			op := m.Some(700, history.OK, true)
			op.From, op.To = op.To, op.From
			m.Move(op)
			m.Add(m.Balances())
			m.Move(m.Some(700, history.OK, true))
		}, nil, record.Fail, "which no choice among"},
		{"a read that one under way explains", func(m *checktest.Bank) {
			m.Add(m.Balances())
			late := &m.Record.Ops[len(m.Record.Ops)-1]
			op := m.Some(700, history.OK, true)
			m.Move(op)
			m.Add(op)
			late.Return = m.At + time.Second // which it does not show
		}, nil, record.Pass, "101 of 101 under load explained"},
		{"a transfer that was not applied, though the money was there", func(m *checktest.Bank) {
			op := m.Some(0, history.OK, false)
			op.Amount = 5
			m.Add(op)
		}, nil, record.Fail, "was answered as not applied, though"},
		{"a transfer to nowhere", func(m *checktest.Bank) {
			op := m.Some(0, history.OK, false)
			op.Amount, op.To = 5, "nowhere"
			m.Add(op)
		}, nil, record.Pass, "51 not applied"},
		{"a read under load that sums wrong", func(m *checktest.Bank) {
			op := m.Balances()
			op.Set[0] = "a00=1"
			m.Add(op)
		}, nil, record.Fail, "the total is"},
		{"a read that misses an account", func(m *checktest.Bank) {
			op := m.Balances()
			op.Set = op.Set[1:]
			m.Add(op)
		}, nil, record.Fail, "1 of 20 accounts are missing"},
		{"a read with one too many", func(m *checktest.Bank) {
			op := m.Balances()
			op.Set = append(op.Set, "mine=0")
			m.Add(op)
		}, nil, record.Fail, `holds "mine=0", which was not opened`},
		{"a final read that failed", nil, func(r *record.Run) { r.Ops[len(r.Ops)-1].Outcome = history.Failed }, record.Unknown, "not read through south-1"},
		{"an opening that is not on record", nil, func(r *record.Run) {
			r.Ops = slices.DeleteFunc(r.Ops, func(op history.Op) bool { return op.Kind == history.Open })
		}, record.Unknown, "not on record"},
		{"nothing moved", nil, func(r *record.Run) {
			r.Ops = slices.DeleteFunc(r.Ops, func(op history.Op) bool { return op.Kind == history.Transfer })
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Kind == history.Balances {
					for a := range op.Set {
						op.Set[a] = fmt.Sprintf("a%02d=%d", a, int64(1e9))
					}
				}
			}
		}, record.Vacuous, "no transfer was applied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := checktest.NewBank(2000)
			if c.change != nil {
				c.change(m)
			}
			r := m.Finish()
			if c.after != nil {
				c.after(r)
			}
			checktest.Want(t, judge(t, r), "accounts", c.verdict, c.phrase)
		})
	}
}

// Nodes that end with different balances diverge, though each sum is right.
func TestAccountsThatDiffer(t *testing.T) {
	m := checktest.NewBank(200)
	r := m.Finish()
	m.Move(m.Some(0, history.Unknown, true)) // explained, and yet not what the others say
	late := m.Balances()
	r.Ops[len(r.Ops)-1].Set = late.Set
	checktest.Want(t, judge(t, r), "divergence", record.Fail, "balances of bank on south-1 differ")
	checktest.Want(t, judge(t, r), "accounts", record.Pass)
}
