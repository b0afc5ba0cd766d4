package checktest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// Bank is a run of a bank that never took place: transfers one after the
// other, every fiftieth without an answer, of those each second one applied.
type Bank struct {
	Held   map[string]int64
	Record *record.Run
	At     time.Duration
}

// NewBank makes one with so many transfers among 20 accounts.
func NewBank(transfers int) *Bank {
	b := &Bank{Held: map[string]int64{}, Record: Lab{}.Run(), At: 10 * Unit}
	opening := history.Op{Kind: history.Open, Key: "bank", Amount: 1e9, Intended: record.NotReached, Outcome: history.OK}
	for i := range 20 {
		opening.Set = append(opening.Set, fmt.Sprintf("a%02d", i))
		b.Held[fmt.Sprintf("a%02d", i)] = 1e9
	}
	b.Record.Ops = append(b.Record.Ops, opening)
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
			b.Move(op)
		case i%40 == 10:
			op.Amount, op.Applied = 1e12, false
		default:
			b.Move(op)
		}
		b.Add(op)
		if i%20 == 0 {
			b.Add(b.Balances())
		}
	}
	return b
}

// Move books a transfer.
func (b *Bank) Move(op history.Op) {
	b.Held[op.From] -= op.Amount
	b.Held[op.To] += op.Amount
}

// Add appends an operation, after all others.
func (b *Bank) Add(op history.Op) {
	b.At += 100 * time.Microsecond
	op.ID, op.Region = int64(1e6+len(b.Record.Ops)), "east"
	op.Intended, op.Call, op.Return = b.At, b.At, b.At+50*time.Microsecond
	b.Record.Ops = append(b.Record.Ops, op)
}

// Balances is a read of what every account holds now.
func (b *Bank) Balances() history.Op {
	op := history.Op{Kind: history.Balances, Key: "bank", Outcome: history.OK}
	for account, n := range b.Held {
		op.Set = append(op.Set, fmt.Sprintf("%s=%d", account, n))
	}
	slices.Sort(op.Set)
	return op
}

// Finish reads the balances back through every node.
func (b *Bank) Finish() *record.Run {
	for _, n := range Three.Nodes {
		op := b.Balances()
		op.Final, op.ReadThrough = true, n.ID
		b.Add(op)
	}
	return b.Record
}

// Some returns the n-th transfer of an outcome.
func (b *Bank) Some(n int, is history.Outcome, done bool) history.Op {
	for _, op := range b.Record.Ops {
		if op.Kind == history.Transfer && op.Outcome == is && op.Applied == done {
			if n--; n < 0 {
				return op
			}
		}
	}
	panic("no such transfer")
}
