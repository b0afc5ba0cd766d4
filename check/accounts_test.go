package check

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// money is a run of a bank that never took place: transfers one after the
// other, every fiftieth without an answer, of those each second one applied.
type money struct {
	held map[string]int64
	r    *record.Run
	at   time.Duration
}

func newMoney(transfers int) *money {
	m := &money{held: map[string]int64{}, r: lab{}.run(), at: 10 * ms}
	opening := history.Op{Kind: history.Open, Key: "bank", Amount: 1e9, Intended: record.NotReached, Outcome: history.OK}
	for i := range 20 {
		opening.Set = append(opening.Set, fmt.Sprintf("a%02d", i))
		m.held[fmt.Sprintf("a%02d", i)] = 1e9
	}
	m.r.Ops = append(m.r.Ops, opening)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range transfers {
		from := rng.IntN(20)
		to := (from + 1 + rng.IntN(19)) % 20
		op := history.Op{
			Kind: history.Transfer, Key: "bank", From: fmt.Sprintf("a%02d", from), To: fmt.Sprintf("a%02d", to), Amount: 1 + rng.Int64N(1e6),
			Outcome: history.OK, Applied: true,
		}
		switch {
		case i%100 == 25:
			op.Outcome = history.Unknown
		case i%100 == 75:
			op.Outcome = history.Unknown
			m.move(op)
		case i%40 == 10:
			op.Amount, op.Applied = 1e12, false
		default:
			m.move(op)
		}
		m.add(op)
		if i%20 == 0 {
			m.add(m.balances())
		}
	}
	return m
}

func (m *money) move(op history.Op) {
	m.held[op.From] -= op.Amount
	m.held[op.To] += op.Amount
}

func (m *money) add(op history.Op) {
	m.at += 100 * time.Microsecond
	op.ID, op.Region = int64(1e6+len(m.r.Ops)), "east"
	op.Intended, op.Call, op.Return = m.at, m.at, m.at+50*time.Microsecond
	m.r.Ops = append(m.r.Ops, op)
}

func (m *money) balances() history.Op {
	op := history.Op{Kind: history.Balances, Key: "bank", Outcome: history.OK}
	for account, n := range m.held {
		op.Set = append(op.Set, fmt.Sprintf("%s=%d", account, n))
	}
	slices.Sort(op.Set)
	return op
}

// finish reads the balances back through every node.
func (m *money) finish() *record.Run {
	for _, n := range three.Nodes {
		op := m.balances()
		op.Final, op.ReadThrough = true, n.ID
		m.add(op)
	}
	return m.r
}

// some returns the n-th transfer of an outcome.
func (m *money) some(n int, is history.Outcome, done bool) history.Op {
	for _, op := range m.r.Ops {
		if op.Kind == history.Transfer && op.Outcome == is && op.Applied == done {
			if n--; n < 0 {
				return op
			}
		}
	}
	panic("no such transfer")
}

func TestAccounts(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(m *money) // before the final reads
		after   func(r *record.Run)
		verdict record.Verdict
		says    string
	}{
		{"all is well", nil, nil, record.Pass, "and 20 of 40 without an answer, made of the opening ones"},
		{"a transfer was lost", func(m *money) {
			op := m.some(100, history.OK, true)
			op.From, op.To = op.To, op.From
			m.move(op)
		}, nil, record.Fail, "if this one had been lost"},
		{"a transfer was applied twice", func(m *money) { m.move(m.some(200, history.OK, true)) }, nil, record.Fail, "if this one had been applied twice"},
		{"one without an answer was applied twice", func(m *money) {
			m.move(m.some(3, history.Unknown, true)) // that one had been, once
		}, nil, record.Fail, "applied twice"},
		{"ten were applied twice", func(m *money) {
			for i := range 10 {
				m.move(m.some(10*i, history.OK, true))
			}
		}, nil, record.Fail, "no choice among 40 transfers without an answer explains"},
		{"one that was not done was", func(m *money) {
			op := m.some(0, history.OK, false)
			op.Amount = 5
			m.move(op)
		}, nil, record.Fail, "no choice among"},
		{"half a transfer", func(m *money) { m.held["a03"] += 17 }, nil, record.Fail, "the total is 20000000017, +17 from the 20000000000"},
		{"a transfer that nobody asked for", func(m *money) { m.held["a03"] += 17; m.held["a04"] -= 17 }, nil, record.Fail, "no choice among"},
		{"an overdrawn account", func(m *money) { m.held["a03"] -= 2e9; m.held["a04"] += 2e9 }, nil, record.Fail, "a03 is overdrawn by"},
		{"a stale read that sums right", func(m *money) {
			op := m.balances()
			op.Set = nil
			for i := range 20 {
				op.Set = append(op.Set, fmt.Sprintf("a%02d=%d", i, int64(1e9)))
			}
			op.Stale = true
			m.add(op)
		}, nil, record.Pass, "come to 20000000000"},
		{"a read of the past that did not ask for it", func(m *money) {
			op := m.balances()
			for i := range op.Set {
				op.Set[i] = fmt.Sprintf("a%02d=%d", i, int64(1e9))
			}
			m.add(op)
		}, nil, record.Fail, "differs from the transfers acknowledged before it by"},
		{"a read of the past where none need be fresh", func(m *money) {
			no := false
			m.r.Objectives.Linearizable = &no
			op := m.balances()
			for i := range op.Set {
				op.Set[i] = fmt.Sprintf("a%02d=%d", i, int64(1e9))
			}
			m.add(op)
		}, nil, record.Pass, "come to 20000000000; 50 not done"},
		{"a read that misses one transfer", func(m *money) {
			op := m.some(700, history.OK, true)
			op.From, op.To = op.To, op.From
			m.move(op)
			m.add(m.balances())
			m.move(m.some(700, history.OK, true))
		}, nil, record.Fail, "which no choice among"},
		{"a read that one under way explains", func(m *money) {
			m.add(m.balances())
			late := &m.r.Ops[len(m.r.Ops)-1]
			op := m.some(700, history.OK, true)
			m.move(op)
			m.add(op)
			late.Return = m.at + time.Second // which it does not show
		}, nil, record.Pass, "101 of 101 under load explained"},
		{"a transfer that was not done, though the money was there", func(m *money) {
			op := m.some(0, history.OK, false)
			op.Amount = 5
			m.add(op)
		}, nil, record.Fail, "was answered as not done, though"},
		{"a transfer to nowhere", func(m *money) {
			op := m.some(0, history.OK, false)
			op.Amount, op.To = 5, "nowhere"
			m.add(op)
		}, nil, record.Pass, "51 not done"},
		{"a read under load that sums wrong", func(m *money) {
			op := m.balances()
			op.Set[0] = "a00=1"
			m.add(op)
		}, nil, record.Fail, "the total is"},
		{"a read that misses an account", func(m *money) {
			op := m.balances()
			op.Set = op.Set[1:]
			m.add(op)
		}, nil, record.Fail, "1 of 20 accounts are missing"},
		{"a read with one too many", func(m *money) {
			op := m.balances()
			op.Set = append(op.Set, "mine=0")
			m.add(op)
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
		}, record.Vacuous, "no transfer was done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMoney(2000)
			if c.change != nil {
				c.change(m)
			}
			r := m.finish()
			if c.after != nil {
				c.after(r)
			}
			want(t, judge(t, r), "accounts", c.verdict, c.says)
		})
	}
}

// Nodes that end with different balances diverge, though each sum is right.
func TestAccountsThatDiffer(t *testing.T) {
	m := newMoney(200)
	r := m.finish()
	m.move(m.some(0, history.Unknown, true)) // explained, and yet not what the others say
	late := m.balances()
	r.Ops[len(r.Ops)-1].Set = late.Set
	want(t, judge(t, r), "divergence", record.Fail, "balances of bank on south-1 differ")
	want(t, judge(t, r), "accounts", record.Pass)
}

// The search answers exactly or says that it cannot.
func TestExplain(t *testing.T) {
	transfers := func(n, accounts int, largest int64) []*history.Op {
		rng := rand.New(rand.NewPCG(3, uint64(n)))
		var out []*history.Op
		for range n {
			from := rng.IntN(accounts)
			out = append(out, &history.Op{From: fmt.Sprint(from), To: fmt.Sprint((from + 1 + rng.IntN(accounts-1)) % accounts), Amount: 1 + rng.Int64N(largest)})
		}
		return out
	}
	sum := func(ops []*history.Op) map[string]int64 {
		out := map[string]int64{}
		for _, op := range ops {
			out[op.From] -= op.Amount
			out[op.To] += op.Amount
		}
		return out
	}
	hundred := transfers(100, 20, 1e6)
	crowd := transfers(200, 2, 1e15)
	for _, c := range []struct {
		name    string
		over    map[string]int64
		unknown []*history.Op
		want    explanation
		taken   int
	}{
		{"nothing to explain", nil, hundred, possible, 0},
		{"nothing to explain it with", map[string]int64{"1": 5, "2": -5}, nil, impossible, 0},
		{"half of a hundred", sum(hundred[:50]), hundred, possible, 50},
		{"all of a hundred", sum(hundred), hundred, possible, 100},
		{"one of them twice", sum(append(slices.Clone(hundred), hundred[7])), hundred, impossible, 0},
		{"half of a hundred and one that is not of them", sum(append(transfers(1, 20, 1e6), hundred[:50]...)), hundred, impossible, 0},
		{"two hundred between two accounts", sum(crowd[:99]), crowd, undecided, 0},
		{"more than two hundred can make", map[string]int64{"0": 1e18, "1": -1e18}, crowd, impossible, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			taken, got := explain(c.over, c.unknown, explainSteps/10)
			if got != c.want || taken != c.taken {
				t.Errorf("got %v with %d taken, want %v with %d", got, taken, c.want, c.taken)
			}
		})
	}
}
