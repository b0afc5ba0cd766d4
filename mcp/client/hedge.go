package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// hedgeDelay is how long one server may take before the next is asked too.
const hedgeDelay = 150 * time.Millisecond

// hedge makes hedged requests (Dean and Barroso, The Tail at Scale, 2013): it tries one
// server after the other, the next one when one fails or takes longer than hedgeDelay,
// and returns the first success. Later successes are passed to discard. When hedge
// returns, the contexts of all tries have ended. spawn runs a try in a goroutine, which
// may return later.
func hedge[T any](ctx context.Context, spawn func(func()), n int, try func(ctx context.Context, i int) (T, error), discard func(T)) (T, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	results := make(chan result)
	next, open := 0, 0
	start := func() {
		i := next
		next, open = next+1, open+1
		spawn(func() {
			v, err := try(ctx, i)
			select {
			case results <- result{v, err}:
			case <-ctx.Done():
				if err == nil && discard != nil {
					discard(v)
				}
			}
		})
	}
	var none T
	var errs []error
	for open > 0 || next < n {
		if open == 0 {
			start()
		}
		var slow <-chan time.Time
		if next < n {
			slow = time.After(hedgeDelay)
		}
		select {
		case r := <-results:
			if r.err == nil {
				return r.value, nil
			}
			errs = append(errs, r.err)
			open--
		case <-slow:
			start()
		case <-ctx.Done():
			return none, ctx.Err()
		}
	}
	if n == 0 {
		return none, errors.New("there is no server to ask")
	}
	return none, errors.Join(errs...)
}

// weightedRand is a client's own source of randomness.
type weightedRand struct{ *rand.Rand }

func newWeightedRand(seed uint64) weightedRand {
	return weightedRand{rand.New(rand.NewPCG(seed, seed^0x5bd1e995))}
}

// order returns the answers in a random order: the first is drawn by weight, the next by
// weight among the rest, and so on. All weights must be positive.
func (d weightedRand) order(as []answer) []answer {
	rest := append([]answer(nil), as...)
	var out []answer
	for len(rest) > 0 {
		total := 0
		for _, a := range rest {
			total += a.weight
		}
		i := 0
		for at := d.IntN(total); at >= rest[i].weight; i++ {
			at -= rest[i].weight
		}
		out = append(out, rest[i])
		rest = append(rest[:i], rest[i+1:]...)
	}
	return out
}
