package bus

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// insider is the user name of the node's own connection, within the process.
const insider = "node"

// gate decides who may connect: the node itself always; users who prove
// themselves, by a certificate of the platform or a token, while the server can
// serve them. Nodes may do everything, users what rights says.
type gate struct {
	verify func(token string) error
	rights *server.Permissions
	secret string // of this life of the node

	mu     sync.Mutex
	closed bool
	joined int               // users let in, ever
	inside uint64            // the node's own connection
	tokens map[uint64]string // by which connections were let in
}

func newGate(verify func(token string) error, rights *server.Permissions) *gate {
	return &gate{verify: verify, rights: rights, secret: rand.Text(), tokens: map[uint64]string{}}
}

// Check implements server.Authentication.
func (g *gate) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == insider {
		if subtle.ConstantTimeCompare([]byte(o.Password), []byte(g.secret)) != 1 {
			return false
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.inside = c.GetID()
		return true
	}
	kind, ok := g.proved(c)
	if !ok {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.joined++
	if o.Token != "" {
		g.tokens[c.GetID()] = o.Token
	}
	if kind != trust.Node {
		c.RegisterUser(&server.User{Permissions: g.rights})
	}
	return true
}

// proved finds out what kind of user comes. A bad token is refused even when
// the certificate is good: he meant to act as somebody else. Who shows a token
// is no node, whatever it says.
func (g *gate) proved(c server.ClientAuthentication) (kind trust.Kind, ok bool) {
	if token := c.GetOpts().Token; token != "" {
		return trust.Client, g.verify(token) == nil
	}
	if s := c.GetTLSConnectionState(); s != nil {
		_, kind, ok = trust.Who(*s)
	}
	return kind, ok
}

// patrolled is how often the tokens of those who are here are judged again.
const patrolled = time.Second

// patrol hangs up, until ctx ends, on users whose token is no longer good: it
// has expired, or was revoked, since they came.
func (g *gate) patrol(ctx context.Context, srv *server.Server) {
	tick := time.NewTicker(patrolled)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		g.mu.Lock()
		here := maps.Clone(g.tokens)
		g.mu.Unlock()
		for id, token := range here {
			if srv.GetClient(id) != nil && g.verify(token) == nil {
				continue
			}
			_ = srv.DisconnectClientByID(id) // an error means that it has gone
			g.mu.Lock()
			delete(g.tokens, id)
			g.mu.Unlock()
		}
	}
}

// close turns users away and hangs up on those that are here.
func (g *gate) close(srv *server.Server) (gone int) {
	g.mu.Lock()
	g.closed = true
	inside := g.inside
	g.mu.Unlock()
	conns, err := srv.Connz(&server.ConnzOptions{Limit: 1 << 16})
	if err != nil {
		return 0 // it is stopping
	}
	for _, c := range conns.Conns {
		if c.Cid != inside && srv.DisconnectClientByID(c.Cid) == nil {
			gone++
		}
	}
	return gone
}

// open lets users in again.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
}

// arrivals is how many users were let in, ever.
func (g *gate) arrivals() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.joined
}
