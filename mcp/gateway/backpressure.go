package gateway

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// backpressure remembers a node that is short of CPU and has refused calls for a while.
// With a tenth of a CPU a leader cannot even refuse all that the gateways forward to
// it, so they refuse in its place. In its zero value there is no such node.
type backpressure struct {
	mu    sync.Mutex
	node  string
	until time.Time
}

// observe takes a node's reply to a call into account.
func (s *backpressure) observe(name string, err error, now time.Time) {
	after, ok := retryAfter(err)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.node, s.until = name, now.Add(after)
}

// active reports whether calls are not forwarded to a node.
func (s *backpressure) active(name string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.node == name && now.Before(s.until)
}

// retryAfter returns when to call again a node that refused for want of a resource.
func retryAfter(err error) (after time.Duration, ok bool) {
	if status.Code(err) != codes.ResourceExhausted || !api.Refused(err) {
		return 0, false
	}
	return api.RetryAfter(err)
}

// withBackpressure refuses a call of a user in place of a node that is short of CPU.
func withBackpressure[T any](g *Gateway, try func(context.Context, string) (T, error)) func(context.Context, string) (T, error) {
	return func(ctx context.Context, name string) (T, error) {
		if name == g.Name {
			return try(ctx, name) // this node's own Admission has accepted it
		}
		if g.backpressure.active(name, time.Now()) {
			var none T
			return none, api.Refuse(codes.ResourceExhausted, g.Name, name, name+" is short of CPU and has asked to be called later")
		}
		out, err := try(ctx, name)
		g.backpressure.observe(name, err, time.Now())
		return out, err
	}
}
