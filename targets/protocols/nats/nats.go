// Package nats is the protocol of NATS with JetStream.
//
// A stream of the workload is a stream of JetStream, and a message's place is its sequence number. Registers and sets are
// subjects of one stream that keeps the last message of each, as NATS's own key-value store does. A
// compare-and-set reads the last message and publishes with its sequence as the expected one. Streams are made
// when they are first used.
//
// A client uses the first server that can reach JetStream's meta leader. A reader connects to one server, but what it
// is answered comes from the leader of a stream: NATS has no way to read one replica. So final reads do not show
// replicas that differ.
//
// Outcomes, compared with nats-server 2.15 (jetstream_cluster.go processClusteredInboundMsg, stream.go processJetStreamMsg):
//
//	what happened                                                  outcome of a write    outcome of a read
//	no server: refused, no answer, no meta leader                  failed                failed
//	the stream cannot be made                                      failed                failed
//	no responders: no server leads the stream                      failed, rejected      failed, rejected
//	wrong last sequence (10071, 10164), of a cas                   ok, not applied       -
//	message too large (10054), stream sealed or not found          failed, rejected      failed
//	any other error: some follow a proposal to the replicas        unknown               failed
//	no acknowledgement: time-out, connection closed                unknown               failed
//	an acknowledgement of a message as a duplicate                 unknown               -
//	acknowledged                                                   ok                    ok
//	a delivery that the server does not confirm as acknowledged    -                     failed, with the messages
//
// The client sets no message ids and publishes once: nats.go would try three times when there is no responder.
package nats

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/failover"
	"github.com/mcp-resilience/holdfast/workload"
)

// Name is the protocol's name in target files.
const Name = "nats"

// Settings say how NATS is used.
type Settings struct {
	// User and Password log in. {{.Secret}} stands for the run's secret.
	User     string `yaml:"user,omitempty"`
	Password string `yaml:"password,omitempty"`
	// Replicas is how many servers keep each stream. Zero means 3, or 1 where there are fewer nodes than 3.
	Replicas int `yaml:"replicas,omitempty"`
	// Storage is file or memory. Empty means file.
	Storage string `yaml:"storage,omitempty"`
	// Prefix begins the names of streams and subjects. Empty means holdfast.
	Prefix string `yaml:"prefix,omitempty"`
	// ConnectTimeout bounds a new connection and its question for the meta leader. Zero means 1s.
	ConnectTimeout time.Duration `yaml:"connectTimeout,omitempty"`
}

// Protocol returns the protocol with these settings.
func (s *Settings) Protocol() (protocols.Protocol, error) { return New(*s) }

// Validate returns a protocols.FieldError for the first setting that makes no sense.
func (s *Settings) Validate() error {
	wrong := func(field, message string) error { return protocols.FieldError{Field: field, Message: message} }
	switch {
	case (s.User == "") != (s.Password == ""):
		return wrong("password", "a user and a password belong together")
	case s.Replicas < 0 || s.Replicas > 5:
		return wrong("replicas", "a stream has 1 to 5 replicas")
	case strings.ContainsAny(s.Prefix, ".*> \t/\\"):
		return wrong("prefix", fmt.Sprintf("%q cannot be a stream's name", s.Prefix))
	case s.ConnectTimeout < 0:
		return wrong("connectTimeout", "a time-out cannot be negative")
	}
	if err := protocols.OneOf("storage", s.Storage, "file", "memory"); err != nil {
		return err
	}
	return protocols.CheckSecret("password", s.Password)
}

type protocol struct{ settings Settings }

// New returns the protocol, or the error of Validate.
func New(s Settings) (protocols.Protocol, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.Prefix == "" {
		s.Prefix = "holdfast"
	}
	if s.ConnectTimeout == 0 {
		s.ConnectTimeout = failover.DefaultOpenTimeout
	}
	return protocol{s}, nil
}

// Kinds lists what JetStream can do.
func (p protocol) Kinds() []history.Kind {
	return []history.Kind{
		history.Read, history.Write, history.CAS, history.Add, history.SetRead, history.Publish, history.Consume, history.Messages,
	}
}

// Client makes a client of the first server that can reach the meta leader.
func (p protocol) Client(_ context.Context, s protocols.System, id int) (workload.Client, error) {
	return p.client(s, s.Preferred(id)), nil
}

// Reader makes a client that reads through one server.
func (p protocol) Reader(_ context.Context, s protocols.System, via protocols.Endpoint) (workload.Client, error) {
	return reader{p.client(s, []protocols.Endpoint{via})}, nil
}

func (p protocol) client(s protocols.System, endpoints []protocols.Endpoint) *client {
	replicas := p.settings.Replicas
	if replicas == 0 {
		replicas = 3
		if len(s.Endpoints) < 3 {
			replicas = 1
		}
	}
	return &client{settings: p.settings, replicas: replicas, pool: failover.New(failover.Config[*session]{
		Endpoints: endpoints, OpenTimeout: p.settings.ConnectTimeout,
		Open: func(ctx context.Context, to protocols.Endpoint) (*session, error) {
			c, err := p.open(ctx, s, to)
			if err != nil {
				return nil, err
			}
			if _, err := c.js.AccountInfo(ctx); err != nil {
				return nil, errors.Join(fmt.Errorf("JetStream: %w", err), c.Close())
			}
			return c, nil
		},
	})}
}

// Query sends a request to a subject, such as $JS.API.STREAM.NAMES, with what follows as its body, and returns the body of the answer.
func (p protocol) Query(ctx context.Context, s protocols.System, via protocols.Endpoint, query string) (string, error) {
	subject, body, _ := strings.Cut(strings.TrimSpace(query), " ")
	if subject == "" {
		return "", fmt.Errorf("nats query of %s: a subject is needed, such as $JS.API.INFO", via.Node)
	}
	c, err := p.open(ctx, s, via)
	if err != nil {
		return "", fmt.Errorf("nats query %q of %s: %w", query, via.Node, err)
	}
	defer c.Close()
	m, err := c.conn.RequestWithContext(ctx, subject, []byte(body))
	if err != nil {
		return "", fmt.Errorf("nats query %q of %s: %w", query, via.Node, err)
	}
	return strings.TrimSpace(string(m.Data)), nil
}

// session is one connection to a server.
type session struct {
	conn *natsgo.Conn
	js   jetstream.JetStream
}

// dialer gives nats.go a connection over a link.
type dialer struct {
	ctx    context.Context
	system protocols.System
	to     protocols.Endpoint
}

func (d dialer) Dial(network, _ string) (net.Conn, error) {
	return d.system.Dial(d.ctx, network, d.to.Address)
}

// open connects to a server and returns once it has answered.
func (p protocol) open(ctx context.Context, s protocols.System, to protocols.Endpoint) (*session, error) {
	options := []natsgo.Option{
		natsgo.Name("holdfast"), natsgo.SetCustomDialer(dialer{ctx, s, to}), natsgo.SkipHostLookup(), natsgo.NoReconnect(),
		natsgo.IgnoreDiscoveredServers(), natsgo.Timeout(p.settings.ConnectTimeout), natsgo.FlusherTimeout(p.settings.ConnectTimeout),
	}
	if p.settings.User != "" {
		password, err := protocols.WithSecret(p.settings.Password, s.Secret)
		if err != nil {
			return nil, err
		}
		options = append(options, natsgo.UserInfo(p.settings.User, password))
	}
	conn, err := natsgo.Connect("nats://"+to.Address, options...)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &session{conn, js}, nil
}

// Usable reports whether the connection is open.
func (c *session) Usable() bool { return c.conn.IsConnected() }

// Close closes the connection.
func (c *session) Close() error {
	c.conn.Close()
	return nil
}
