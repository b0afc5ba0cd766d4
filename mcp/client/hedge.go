package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// askNext is how long one server may be silent before the next is asked, too.
const askNext = 150 * time.Millisecond

// hedge tries one thing after the other, the next one when one fails or is
// slow, and returns the first success. What succeeds later is discarded; all tries
// have been told to end when hedge returns. Spawn runs a try and outlives it.
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
		var patience <-chan time.Time
		if next < n {
			patience = time.After(askNext)
		}
		select {
		case r := <-results:
			if r.err == nil {
				return r.value, nil
			}
			errs = append(errs, r.err)
			open--
		case <-patience:
			start()
		case <-ctx.Done():
			return none, ctx.Err()
		}
	}
	if n == 0 {
		return none, errors.New("nobody to ask")
	}
	return none, errors.Join(errs...)
}

// draw is a client's own source of chance.
type draw struct{ *rand.Rand }

func newDraw(seed uint64) draw { return draw{rand.New(rand.NewPCG(seed, seed^0x5bd1e995))} }

// weighted returns the answers in an order in which each comes first as often
// as its weight says, then the next among the rest, and so on. Weights are positive.
func (d draw) weighted(as []answer) []answer {
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
