package gateway

import (
	"cmp"
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
	// retryRatio is the share of calls that may be retried, and retryBurst how many
	// retries may be made at once after a time without any. That covers the calls that
	// a leader's death leaves without a reply, and prevents a retry storm on a cluster
	// that is unhealthy for long.
	retryRatio = 0.1
	retryBurst = 100
	// The backoff before a retry doubles from one retry to the next.
	minBackoff = 10 * time.Millisecond
	maxBackoff = 200 * time.Millisecond
)

// retryPolicy is whether a call may be repeated when it got no reply.
type retryPolicy int

const (
	neverRetry    retryPolicy = iota // it may have had its effect, and must not have it twice
	retryRead                        // it has no effect
	retryMutation                    // it has an id, by which the state applies it only once
)

// retryPolicyOf is the policy of a command. The state remembers the ids of the latest
// mutations, far more of them than can be committed while a call lasts.
func retryPolicyOf(c *api.Command) retryPolicy {
	if c.Id == "" {
		return neverRetry
	}
	return retryMutation
}

// retryBudget limits retries to a share of the calls, as Finagle's RetryBudget does.
// Its zero value is full.
type retryBudget struct {
	mu   sync.Mutex
	used float64
}

// deposit is called for each call. It adds retryRatio of a retry.
func (b *retryBudget) deposit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used = max(0, b.used-retryRatio)
}

// tryWithdraw takes one retry out of the budget, if there is one.
func (b *retryBudget) tryWithdraw() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+1 > retryBurst {
		return false
	}
	b.used++
	return true
}

// retry sends a call along its route until it gets a reply, and returns how often it
// was repeated after an attempt without a reply.
//
// A call that was refused because leadership is unclear (codes.Unavailable) had no
// effect: it is tried again, without using the budget, until routeTimeout. A call that
// got no reply may have had its effect: it is repeated if its policy and the budget
// allow it and the client still waits. A read is repeated only until routeTimeout,
// because the client loses nothing by asking another gateway. After an attempt of a
// mutation without a reply, its outcome is unknown until an attempt gets a reply. A
// refusal of a later attempt proves nothing about the first, so the client gets the
// error of the first.
func retry[T any](ctx context.Context, g *Gateway, r route, policy retryPolicy, try func(ctx context.Context, name string) (T, error)) (out T, retries uint32, err error) {
	callerCtx := ctx
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	g.retryBudget.deposit()
	if policy != neverRetry {
		try = withBackpressure(g, try)
	}
	leader, _ := g.Consensus.Leader()
	routeDeadline := time.Now().Add(g.leaderless.waitTimeout(leader, time.Now()))
	backoff := minBackoff
	var noReply error // of the first attempt of a mutation without a reply
	for {
		var wait time.Duration
		switch out, err = attempt(ctx, g, r, try); {
		case err == nil:
			return out, retries, nil
		case api.Refused(err):
			if status.Code(err) != codes.Unavailable || noReply == nil && time.Now().After(routeDeadline) {
				return out, retries, cmp.Or(noReply, err)
			}
			wait = refusalRetryInterval
		case policy == neverRetry || policy == retryRead && time.Now().After(routeDeadline) || ctx.Err() != nil || !g.retryBudget.tryWithdraw():
			return out, retries, cmp.Or(noReply, err)
		default:
			if policy == retryMutation && noReply == nil {
				noReply = err
				sendHeader(callerCtx)
			}
			retries++
			wait = backoff/2 + rand.N(backoff)
			backoff = min(2*backoff, maxBackoff)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return out, retries, cmp.Or(noReply, err)
		}
	}
}

// sendHeader sends the reply's header at once. The client sees that its call takes
// longer, and does not take this gateway for dead.
func sendHeader(ctx context.Context) { _ = grpc.SendHeader(ctx, metadata.MD{}) }
