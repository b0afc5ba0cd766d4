package accounts

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mcp-resilience/holdfast/history"
)

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
			taken, got := explain(c.over, c.unknown, maxSteps/10)
			if got != c.want || taken != c.taken {
				t.Errorf("got %v with %d taken, want %v with %d", got, taken, c.want, c.taken)
			}
		})
	}
}
