// Package bus is the platform's message bus: a NATS server with JetStream inside the
// process of one node in each region. The servers replicate streams.
//
//	publisher ──► any server ──► leader of the stream ──► the others' logs
//	    ▲                               │ a majority has it on disk
//	    └───────────── acknowledged ◄───┘
//
// A publish is acknowledged once the logs of a majority of the servers have been synced
// with it, so that killing all of them at once loses nothing. NATS replicates, elects the
// leaders of streams and consumers, and talks to clients. This package runs it, and adds
// what the platform promises beyond that:
//
//   - detect: a server notices that the route to a peer is gone
//   - isolate: a server that reaches no majority of its peers disconnects its clients and
//     accepts none, so that they go to a server that can serve them
//   - elect: NATS elects a leader for each stream among the remaining servers
//   - remap: the leader of each stream is committed to the platform's own log
//   - reconnect: clients are connected to a server that serves
//
// Each of these steps emits an event. Peers are reached only by their names. The servers
// do not tell each other addresses, because an address that was learnt from a peer could
// bypass a partition. Users may publish and consume; only the platform changes streams
// (userPermissions). A user with a token stays connected as long as the token is valid.
// Clients speak NATS. The package's only API of its own returns what a node's own replica
// of a stream holds (ReadReplica).
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/pki"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// Config configures a server. All fields but Defects are required.
type Config struct {
	Name   string // of the node, and so of its server
	Region string
	Host   string            // address to bind
	Dir    string            // folder for streams
	Peers  map[string]string // all nodes with the role bus, including this one, with their regions
	// Identity authenticates this node, and verifies the other servers and the users.
	Identity *pki.Identity
	// VerifyToken verifies a user's token, when the user connects and every second after that.
	VerifyToken func(token string) error
	// Lookup returns a peer's address, or "" if the system's resolver is to be asked.
	Lookup func(name string) (string, error)
	State  *state.State
	// Commit commits a command through the platform's leader, if there is one.
	Commit  func(ctx context.Context, c *api.Command) (*api.Applied, error)
	Emit    func(k events.Kind, text string, fields map[string]string)
	Log     *slog.Logger
	Defects Defects
}

// Bus is a running server.
type Bus struct {
	cfg   Config
	hooks *hooks
	auth  *authenticator

	stop context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex // guards the fields below, which are nil until the server is up
	server *server.Server
	conn   *nats.Conn // to the server in this process
	js     jetstream.JetStream
}

// Start starts the server in the background. If the server cannot start, that is logged, and
// the node goes on without it.
func Start(cfg Config) *Bus {
	ctx, cancel := context.WithCancel(context.Background())
	b := &Bus{cfg: cfg, stop: cancel}
	b.hooks = newHooks(b)
	b.auth = newAuthenticator(cfg.VerifyToken, userPermissions(b.hooks.publishSubject))
	b.work.Go(func() {
		if err := b.run(ctx); err != nil {
			cfg.Log.Error("the message bus has failed", "error", err)
		}
	})
	return b
}

// Close transfers the server's stream leaderships and stops it.
func (b *Bus) Close() error {
	b.stop()
	b.work.Wait()
	return nil
}

func (b *Bus) run(ctx context.Context) error {
	opts, err := b.cfg.options(ctx, b.auth)
	if err != nil {
		return err
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("bus of %s: %w", b.cfg.Name, err)
	}
	logged := &natsLogger{log: b.cfg.Log.With("part", "bus")}
	srv.SetLoggerV2(logged, false, false, false)
	srv.Start()
	defer func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	}()
	if text := logged.fatal(); text != "" {
		return fmt.Errorf("bus of %s: start the server: %s", b.cfg.Name, text)
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv), nats.Name(b.cfg.Name),
		nats.UserInfo(internalUser, b.auth.secret), nats.MaxReconnects(-1), nats.ReconnectWait(pollInterval))
	if err != nil {
		return fmt.Errorf("bus of %s: connect to the server in this process: %w", b.cfg.Name, err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("bus of %s: %w", b.cfg.Name, err)
	}
	b.mu.Lock()
	b.server, b.conn, b.js = srv, nc, js
	b.mu.Unlock()
	b.work.Go(func() { b.auth.recheckTokens(ctx, srv) })
	return b.monitor(ctx, srv, js)
}

// started returns the server and a client of its streams, or an error if it is not up yet.
func (b *Bus) started() (*server.Server, jetstream.JetStream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server == nil {
		return nil, nil, errors.New("the bus of " + b.cfg.Name + " is not up yet")
	}
	return b.server, b.js, nil
}

// pollInterval is how often a node checks its server. It calls the NATS library in its own
// process, which takes microseconds. JetStream's advisories report elections too, but they
// are sent over the routes that a partition cuts, and a lost advisory is not repeated.
const pollInterval = 100 * time.Millisecond

// natsLogger writes the server's log to the node's. A fatal error does not end the process,
// which is what the NATS library would do; Bus.run returns it.
type natsLogger struct {
	log       *slog.Logger
	mu        sync.Mutex
	fatalText string // the first fatal error
}

func (l *natsLogger) Noticef(format string, v ...any) { l.log.Info(fmt.Sprintf(format, v...)) }
func (l *natsLogger) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l *natsLogger) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l *natsLogger) Debugf(string, ...any)           {}
func (l *natsLogger) Tracef(string, ...any)           {}

func (l *natsLogger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatalText == "" {
		l.fatalText = fmt.Sprintf(format, v...)
	}
}

func (l *natsLogger) fatal() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatalText
}
