package bus

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// internalUser is the user name of the node's own connection to its server.
const internalUser = "node"

// authenticator decides who may connect: the node itself always; users with a certificate
// of the platform or a valid token while the server can serve them. Nodes may do
// everything, users what userPermissions allows.
type authenticator struct {
	verifyToken func(token string) error
	permissions *server.Permissions
	secret      string // of the node's own connection

	mu           sync.Mutex
	refusing     bool
	accepted     int               // how many users were accepted since the start
	internalConn uint64            // id of the node's own connection
	tokens       map[uint64]string // of the accepted connections, by id
}

func newAuthenticator(verifyToken func(token string) error, permissions *server.Permissions) *authenticator {
	return &authenticator{verifyToken: verifyToken, permissions: permissions, secret: rand.Text(), tokens: map[uint64]string{}}
}

// Check implements server.Authentication.
func (a *authenticator) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == internalUser {
		if subtle.ConstantTimeCompare([]byte(o.Password), []byte(a.secret)) != 1 {
			return false
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.internalConn = c.GetID()
		return true
	}
	kind, ok := a.authenticate(c)
	if !ok {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refusing {
		return false
	}
	a.accepted++
	if o.Token != "" {
		a.tokens[c.GetID()] = o.Token
	}
	if kind != pki.Node {
		c.RegisterUser(&server.User{Permissions: a.permissions})
	}
	return true
}

// authenticate returns the kind of a user. A bad token is refused even with a good
// certificate, because the user meant to act as somebody else. A user with a token is not a
// node, whatever the token says.
func (a *authenticator) authenticate(c server.ClientAuthentication) (kind pki.Kind, ok bool) {
	if token := c.GetOpts().Token; token != "" {
		return pki.Client, a.verifyToken(token) == nil
	}
	if s := c.GetTLSConnectionState(); s != nil {
		_, kind, ok = pki.CertificateOwner(*s)
	}
	return kind, ok
}

// tokenCheckInterval is how often the tokens of connected users are verified again.
const tokenCheckInterval = time.Second

// recheckTokens disconnects, until ctx ends, the users whose token is no longer valid because
// it has expired or was revoked since they connected.
func (a *authenticator) recheckTokens(ctx context.Context, srv *server.Server) {
	tick := time.NewTicker(tokenCheckInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		a.mu.Lock()
		tokens := maps.Clone(a.tokens)
		a.mu.Unlock()
		for id, token := range tokens {
			if srv.GetClient(id) != nil && a.verifyToken(token) == nil {
				continue
			}
			_ = srv.DisconnectClientByID(id) // an error means that the user has disconnected
			a.mu.Lock()
			delete(a.tokens, id)
			a.mu.Unlock()
		}
	}
}

// refuseUsers refuses users from now on, and disconnects those that are connected. It
// returns how many.
func (a *authenticator) refuseUsers(srv *server.Server) (disconnected int) {
	a.mu.Lock()
	a.refusing = true
	inside := a.internalConn
	a.mu.Unlock()
	conns, err := srv.Connz(&server.ConnzOptions{Limit: 1 << 16})
	if err != nil {
		return 0 // the server is stopping
	}
	for _, c := range conns.Conns {
		if c.Cid != inside && srv.DisconnectClientByID(c.Cid) == nil {
			disconnected++
		}
	}
	return disconnected
}

// acceptUsers accepts users again.
func (a *authenticator) acceptUsers() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refusing = false
}

// acceptedCount is how many users were accepted since the start.
func (a *authenticator) acceptedCount() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.accepted
}

// userPermissions is what a user may do: publish to the streams, and read them through
// consumers. Everything else is refused. Only the platform changes the streams: a user who
// could purge one, or change its limits, would undo what was acknowledged.
//
// All users have the same permissions, and any of them may use a consumer whose name it
// knows. None may delete a consumer, because that would lose its position.
func userPermissions(publishSubject func(stream string) string) *server.Permissions {
	var publish []string
	for _, s := range Streams() {
		publish = append(publish, publishSubject(s),
			"$JS.API.STREAM.INFO."+s,
			"$JS.API.CONSUMER.CREATE."+s+".*",
			"$JS.API.CONSUMER.INFO."+s+".*",
			"$JS.API.CONSUMER.MSG.NEXT."+s+".*",
			"$JS.ACK."+s+".>",
		)
	}
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: publish},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}}, // for replies
	}
}
