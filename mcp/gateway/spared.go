package gateway

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// spared is a head that is short of CPU and has asked to be left alone for a
// while. Under a tenth of a CPU it has not even the means to refuse what all
// gateways bring it, so they refuse in its stead. Its zero value spares nobody.
type spared struct {
	mu    sync.Mutex
	name  string
	until time.Time
}

// heed notes that a head has asked to be left alone.
func (s *spared) heed(name string, err error, now time.Time) {
	after, asks := leaveAlone(err)
	if !asks {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name, s.until = name, now.Add(after)
}

// now says whether a head is left alone.
func (s *spared) now(name string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name == name && now.Before(s.until)
}

// leaveAlone reads a head's refusal for want of resources.
func leaveAlone(err error) (after time.Duration, asks bool) {
	if status.Code(err) != codes.ResourceExhausted || !api.Refused(err) {
		return 0, false
	}
	return api.RetryAfter(err)
}

// sparing tries a call of a user, unless its head has asked to be left alone.
func sparing[T any](g *Gateway, try func(context.Context, string) (T, error)) func(context.Context, string) (T, error) {
	return func(ctx context.Context, name string) (T, error) {
		if name == g.Name {
			return try(ctx, name) // taken on at this node's own door
		}
		if g.spared.now(name, time.Now()) {
			var none T
			return none, api.Refuse(codes.ResourceExhausted, g.Name, name, name+" is short of CPU and has asked to be left alone")
		}
		out, err := try(ctx, name)
		g.spared.heed(name, err, time.Now())
		return out, err
	}
}
