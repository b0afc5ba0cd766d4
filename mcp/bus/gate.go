package bus

import (
	"crypto/rand"
	"crypto/subtle"
	"sync"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// insider is the user name of the node's own connection, within the process.
const insider = "node"

// gate decides who may connect: the node itself always; users who prove
// themselves, by a certificate of the platform or a token, while the server can
// serve them.
type gate struct {
	verify func(token string) error
	secret string // of this life of the node
	server *server.Server

	mu     sync.Mutex
	closed bool
	joined int // users let in, ever
}

func newGate(verify func(token string) error) *gate {
	return &gate{verify: verify, secret: rand.Text()}
}

// Check implements server.Authentication.
func (g *gate) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == insider {
		return subtle.ConstantTimeCompare([]byte(o.Password), []byte(g.secret)) == 1
	}
	if !g.proved(c) {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.joined++
	return true
}

func (g *gate) proved(c server.ClientAuthentication) bool {
	if s := c.GetTLSConnectionState(); s != nil {
		if _, _, ok := trust.Who(*s); ok {
			return true
		}
	}
	token := c.GetOpts().Token
	return token != "" && g.verify(token) == nil
}

// close turns users away and hangs up on those that are here.
func (g *gate) close(srv *server.Server, self string) (gone int) {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	conns, err := srv.Connz(&server.ConnzOptions{Limit: 1 << 16})
	if err != nil {
		return 0 // it is stopping
	}
	for _, c := range conns.Conns {
		if c.Name != self && srv.DisconnectClientByID(c.Cid) == nil {
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
