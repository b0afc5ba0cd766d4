package gateway

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

const (
	// retryShare is how many calls in one may be retried, and retryBurst how many
	// may be at once after a time without any: what a leader's death leaves
	// unanswered, but no storm on a cluster that is ill for long.
	retryShare = 0.1
	retryBurst = 100
	// The pause before a retry, which doubles from one to the next.
	leastPause = 10 * time.Millisecond
	mostPause  = 200 * time.Millisecond
)

// kind is what of a call may be done over when it got no answer.
type kind int

const (
	once     kind = iota // nothing: it may have been done, and doing it twice would show
	read                 // it changes nothing
	mutation             // it has an id, by which the state knows it again and does it once
)

// kindOf says what a command allows. The state remembers the ids of the latest
// state.Remembered mutations, far more than can be committed while a call lasts.
func kindOf(c *api.Command) kind {
	if c.Id == "" {
		return once
	}
	return mutation
}

// budget bounds retries. Its zero value is full.
type budget struct {
	mu    sync.Mutex
	spent float64
}

// earn notes a call.
func (b *budget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = max(0, b.spent-retryShare)
}

// spend says whether one more retry may be made.
func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+1 > retryBurst {
		return false
	}
	b.spent++
	return true
}

// insist tries a call at the present head until it is taken and answered, and
// returns how often it was tried again after an attempt without an answer.
//
// What was refused because leadership is unclear (codes.Unavailable) had no
// effect and is tried again freely, while patience lasts. What got no answer may have had its effect: it is tried again if its
// kind allows, the budget does, and the client still waits; a read only while
// patience lasts, for it loses nothing by trying another gateway. A mutation of which one
// attempt got no answer has no certain outcome until one gets it; a later
// refusal proves nothing of the first, so the client is not told of it.
func insist[T any](ctx context.Context, g *Gateway, h head, k kind, try func(ctx context.Context, name string) (T, error)) (out T, retries uint32, err error) {
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	g.retries.earn()
	if k != once {
		try = sparing(g, try)
	}
	leader, _ := g.Consensus.Leader()
	giveUp := time.Now().Add(g.alone.look(leader, time.Now()))
	pause := leastPause
	var doubt error // of the first attempt of a mutation without an answer
	for {
		var wait time.Duration
		switch out, err = attempt(ctx, g, h, try); {
		case err == nil:
			return out, retries, nil
		case api.Refused(err):
			if status.Code(err) != codes.Unavailable || doubt == nil && time.Now().After(giveUp) {
				return out, retries, firstOf(doubt, err)
			}
			wait = again
		case k == once || k == read && time.Now().After(giveUp) || ctx.Err() != nil || !g.retries.spend():
			return out, retries, firstOf(doubt, err)
		default:
			if k == mutation && doubt == nil {
				doubt = err
				stillHere(caller)
			}
			retries++
			wait = pause/2 + rand.N(pause)
			pause = min(2*pause, mostPause)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return out, retries, firstOf(doubt, err)
		}
	}
}

func firstOf(doubt, err error) error {
	if doubt != nil {
		return doubt
	}
	return err
}

// stillHere tells the client at once that its call will take longer, so that it
// does not take this gateway for dead.
func stillHere(ctx context.Context) { _ = grpc.SendHeader(ctx, metadata.MD{}) }
