// Package gateway is a region's entrance: the Ledger service of each node. It
// routes mutations to whoever leads, lets reads be confirmed by the leader and
// serves them from the node's own state. While leadership is unclear it waits
// a little and asks again; a call that got no answer it sends again where that is
// safe, within a budget.
package gateway

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/consensus"
)

const (
	// patience is how long a call is kept while nobody can take it; then it is
	// refused, so that a client of a gateway that is cut off can move on.
	patience = 800 * time.Millisecond
	// again is the pause before a refused call is tried anew.
	again = 15 * time.Millisecond
	// lastWord is how long a leader that is no longer followed may still answer
	// what it has taken: one that has handed over says what became of it.
	lastWord = 200 * time.Millisecond
	// limit bounds a call whose client sets no deadline.
	limit = 5 * time.Second
)

// Consensus is this node's part in the cluster.
type Consensus interface {
	Leader() (name string, changed <-chan struct{})
	Propose(ctx context.Context, c *api.Command) (*api.Applied, error)
	ReadIndex(ctx context.Context) (index, term uint64, err error)
}

var _ Consensus = (*consensus.Node)(nil)

// Gateway routes calls to the leader.
type Gateway struct {
	Name      string
	Consensus Consensus
	// To connects to another node.
	To func(name string) (*grpc.ClientConn, error)
	// Pulse says whether the leader answers; nil means that it is taken to.
	Pulse *Pulse

	retries budget
	alone   alone
	spared  spared
}

// Submit commits a command through whoever leads. An error that is api.Refused
// proves that it had no effect.
func (g *Gateway) Submit(ctx context.Context, c *api.Command) (*api.Applied, error) {
	a, _, err := g.submit(ctx, c)
	return a, err
}

// submit also returns how often the command had to be sent again.
func (g *Gateway) submit(ctx context.Context, c *api.Command) (*api.Applied, uint32, error) {
	return insist(ctx, g, g.leader(), kindOf(c), g.propose(c))
}

// Once is Submit without patience: it is refused when nobody leads now.
func (g *Gateway) Once(ctx context.Context, c *api.Command) (*api.Applied, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return attempt(ctx, g, g.leader(), g.propose(c))
}

func (g *Gateway) propose(c *api.Command) func(context.Context, string) (*api.Applied, error) {
	return func(ctx context.Context, leader string) (*api.Applied, error) {
		if leader == g.Name {
			return g.Consensus.Propose(ctx, c)
		}
		return forward(ctx, g, "leader "+leader, leader, func(ctx context.Context, conn grpc.ClientConnInterface) (*api.Applied, error) {
			return api.NewPeerClient(conn).Propose(ctx, c)
		})
	}
}

// ReadIndex asks whoever leads how far a state must be to be fresh.
func (g *Gateway) ReadIndex(ctx context.Context) (*api.ReadIndexReply, error) {
	r, _, err := g.readIndex(ctx)
	return r, err
}

// readIndex also returns how often the leader had to be asked again.
func (g *Gateway) readIndex(ctx context.Context) (*api.ReadIndexReply, uint32, error) {
	return insist(ctx, g, g.leader(), read, hereOrThere(g,
		func(ctx context.Context) (*api.ReadIndexReply, error) {
			index, term, err := g.Consensus.ReadIndex(ctx)
			return &api.ReadIndexReply{Index: index, Term: term}, err
		},
		func(ctx context.Context, leader grpc.ClientConnInterface) (*api.ReadIndexReply, error) {
			return api.NewPeerClient(leader).ReadIndex(ctx, &api.ReadIndexRequest{})
		}))
}

// Route has whoever leads do something: here when this node does, there over a
// connection to the leader. While that is refused because leadership is unclear
// (codes.Unavailable) it is tried again for a moment; what got no answer is not.
func Route[T any](ctx context.Context, g *Gateway, here func(context.Context) (T, error), there func(context.Context, grpc.ClientConnInterface) (T, error)) (T, error) {
	return route(ctx, g, g.leader(), hereOrThere(g, here, there))
}

func hereOrThere[T any](g *Gateway, here func(context.Context) (T, error), there func(context.Context, grpc.ClientConnInterface) (T, error)) func(context.Context, string) (T, error) {
	return func(ctx context.Context, leader string) (T, error) {
		if leader == g.Name {
			return here(ctx)
		}
		return forward(ctx, g, "leader "+leader, leader, there)
	}
}

// head is who takes a kind of calls.
type head struct {
	now  func() (name string, changed <-chan struct{}) // "" when nobody is known to
	none string                                        // says why a call is refused then
}

func (g *Gateway) leader() head {
	return head{g.Consensus.Leader, "no leader known: cut off from the majority, or an election is under way"}
}

// route is insist for what must not be done over when it got no answer.
func route[T any](ctx context.Context, g *Gateway, h head, try func(ctx context.Context, name string) (T, error)) (T, error) {
	out, _, err := insist(ctx, g, h, once, try)
	return out, err
}

// attempt makes a call at the present head. One that the head has taken is given
// up as soon as this node knows another one or none, or the head does not answer
// its health checks: its answer would keep the client waiting.
func attempt[T any](ctx context.Context, g *Gateway, h head, try func(ctx context.Context, name string) (T, error)) (T, error) {
	name, changed := h.now()
	if name == "" {
		var none T
		return none, api.Refuse(codes.Unavailable, g.Name, "", h.none)
	}
	if name == g.Name {
		return try(ctx, name) // it knows best itself when its time is over
	}
	if dead, _ := g.Pulse.Dead(name); dead {
		var none T
		return none, api.Refuse(codes.Unavailable, g.Name, name, name+" does not answer its health checks")
	}
	ctx, cancel := context.WithCancel(ctx)
	watch := make(chan struct{})
	go func() {
		defer close(watch)
		abandon(ctx, g, h, name, changed, cancel)
	}()
	defer func() {
		cancel()
		<-watch
	}()
	return try(ctx, name)
}

// abandon cancels a call a moment after this node has ceased to take the one
// that the call was sent to for the head, or at once when that one is found
// dead; it returns when ctx ends.
func abandon(ctx context.Context, g *Gateway, h head, name string, changed <-chan struct{}, cancel func()) {
	for now := name; now == name; {
		dead, pulse := g.Pulse.Dead(name)
		if dead {
			cancel()
			return
		}
		select {
		case <-changed:
			now, changed = h.now()
		case <-pulse:
		case <-ctx.Done():
			return
		}
	}
	select {
	case <-time.After(lastWord):
		cancel()
	case <-ctx.Done():
	}
}

// forward calls the head, which errors call says. What never left this
// node is refused; the head's own words are passed on; the rest is unknown.
func forward[T any](ctx context.Context, g *Gateway, says, name string, call func(context.Context, grpc.ClientConnInterface) (T, error)) (T, error) {
	var none T
	conn, err := g.To(name)
	if err != nil {
		return none, api.Refuse(codes.Unavailable, g.Name, name, err.Error())
	}
	ctx, sent := api.WithSent(ctx)
	out, err := call(ctx, conn)
	switch {
	case err == nil, api.Refused(err):
		return out, err
	case !sent.Yes():
		return none, api.Refuse(codes.Unavailable, g.Name, name, says+" cannot be reached: "+status.Convert(err).Message())
	}
	return none, status.Errorf(codes.Aborted, "%s: %s did not answer: %s, outcome unknown", g.Name, says, status.Convert(err).Message())
}
