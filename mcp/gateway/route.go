package gateway

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

const (
	// routeTimeout is how long a call waits while no node can accept it. Then it is
	// refused, so that the client of a gateway that is cut off can try another one.
	routeTimeout = 800 * time.Millisecond
	// refusalRetryInterval is the pause before a refused call is tried again.
	refusalRetryInterval = 15 * time.Millisecond
	// drainGrace is how long a former leader may still reply to the calls that it has
	// accepted: one that has handed over replies with what became of them.
	drainGrace = 200 * time.Millisecond
	// defaultTimeout limits a call whose client sets no deadline.
	defaultTimeout = 5 * time.Second
)

// route leads a class of calls to the node that serves them.
type route struct {
	target   func() (name string, changed <-chan struct{}) // name is "" while no such node is known
	noTarget string                                        // why a call is refused then
}

func (g *Gateway) leaderRoute() route {
	return route{g.Consensus.Leader, "no leader is known: the node is cut off from the majority, or an election is under way"}
}

// OnLeader runs a call on the leader: local if this node leads, otherwise remote,
// over a connection to the leader. While it is refused because leadership is unclear
// (codes.Unavailable), it is tried again for a moment. A call that got no reply is
// not retried.
func OnLeader[T any](ctx context.Context, g *Gateway, local func(context.Context) (T, error), remote func(context.Context, grpc.ClientConnInterface) (T, error)) (T, error) {
	return callOnce(ctx, g, g.leaderRoute(), localOrRemote(g, local, remote))
}

func localOrRemote[T any](g *Gateway, local func(context.Context) (T, error), remote func(context.Context, grpc.ClientConnInterface) (T, error)) func(context.Context, string) (T, error) {
	return func(ctx context.Context, leader string) (T, error) {
		if leader == g.Name {
			return local(ctx)
		}
		return forward(ctx, g, "leader "+leader, leader, remote)
	}
}

// callOnce is retry for a call that must not be repeated when it got no reply.
func callOnce[T any](ctx context.Context, g *Gateway, r route, try func(ctx context.Context, name string) (T, error)) (T, error) {
	out, _, err := retry(ctx, g, r, neverRetry, try)
	return out, err
}

// attempt sends a call to the present target of its route. It is cancelled when the
// target changes, or does not answer its health checks: the client would wait in vain.
func attempt[T any](ctx context.Context, g *Gateway, r route, try func(ctx context.Context, name string) (T, error)) (T, error) {
	name, changed := r.target()
	if name == "" {
		var none T
		return none, api.Refuse(codes.Unavailable, g.Name, "", r.noTarget)
	}
	if name == g.Name {
		return try(ctx, name) // this node itself ends the call when it is no longer the target
	}
	if unresponsive, _ := g.LeaderHealth.Unresponsive(name); unresponsive {
		var none T
		return none, api.Refuse(codes.Unavailable, g.Name, name, name+" does not answer its health checks")
	}
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		cancelWhenRerouted(ctx, g, r, name, changed, cancel)
	}()
	defer func() {
		cancel()
		<-watched
	}()
	return try(ctx, name)
}

// cancelWhenRerouted cancels a call when the node that it was sent to has not been the
// route's target for drainGrace, or at once when that node does not answer its health
// checks. It returns when ctx ends.
func cancelWhenRerouted(ctx context.Context, g *Gateway, r route, name string, changed <-chan struct{}, cancel func()) {
	for now := name; now == name; {
		unresponsive, healthChanged := g.LeaderHealth.Unresponsive(name)
		if unresponsive {
			cancel()
			return
		}
		select {
		case <-changed:
			now, changed = r.target()
		case <-healthChanged:
		case <-ctx.Done():
			return
		}
	}
	select {
	case <-time.After(drainGrace):
		cancel()
	case <-ctx.Done():
	}
}

// forward calls another node, which errors call description. The call is refused if it
// was never sent. A refusal of the other node is returned as it is. After any other
// error the outcome is unknown.
func forward[T any](ctx context.Context, g *Gateway, description, name string, call func(context.Context, grpc.ClientConnInterface) (T, error)) (T, error) {
	var none T
	conn, err := g.Conn(name)
	if err != nil {
		return none, api.Refuse(codes.Unavailable, g.Name, name, err.Error())
	}
	ctx, sent := api.WithSent(ctx)
	out, err := call(ctx, conn)
	switch {
	case err == nil, api.Refused(err):
		return out, err
	case !sent.Yes():
		return none, api.Refuse(codes.Unavailable, g.Name, name, description+" cannot be reached: "+status.Convert(err).Message())
	}
	return none, status.Errorf(codes.Aborted, "%s: %s did not answer: %s, outcome unknown", g.Name, description, status.Convert(err).Message())
}
