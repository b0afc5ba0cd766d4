package workload

import (
	"fmt"
	"math/rand/v2"

	"github.com/mcp-resilience/holdfast/history"
)

// The accounts between which money is transferred. Amounts are large and uniformly
// distributed, so that hardly two sets of transfers lead to the same balances: the
// final balances then show which transfers of unknown outcome took effect.
const (
	bank           = "bank"
	accounts       = 20
	openingBalance = 1_000_000_000
	largestAmount  = 1_000_000
	// overdraftPercent is the percentage of transfers of more than the whole bank
	// holds. Each must be answered as not applied.
	overdraftPercent = 3
)

// SeedAccountsOp opens all accounts. It must succeed before the first transfer.
func SeedAccountsOp() history.Op {
	op := history.Op{Kind: history.Open, Key: bank, Amount: openingBalance}
	for i := range accounts {
		op.Set = append(op.Set, account(i))
	}
	return op
}

func account(i int) string { return fmt.Sprintf("a%02d", i) }

// transfer chooses two accounts and an amount.
func transfer(rng *rand.Rand, op *history.Op) {
	from, to := rng.IntN(accounts), rng.IntN(accounts-1)
	if to >= from {
		to++
	}
	op.Kind, op.Key, op.From, op.To = history.Transfer, bank, account(from), account(to)
	op.Amount = 1 + rng.Int64N(largestAmount)
	if rng.IntN(100) < overdraftPercent {
		op.Amount += accounts * openingBalance
	}
}
