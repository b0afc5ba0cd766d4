// Package bus is the platform's message bus: a NATS server with JetStream
// inside the node's process, one a region, that keep streams together.
//
//	publisher ──► any server ──► leader of the stream ──► the others' logs
//	    ▲                               │ a majority has it on disk
//	    └───────────── acknowledged ◄───┘
//
// A publish is acknowledged once the logs of a majority of the servers have
// been synced with it, so that killing all of them at once loses none. NATS
// does the replication, elects the leaders of streams and consumers, and speaks
// with clients; this package runs it and does what the platform promises beside:
//
//   - detect: a server sees the routes to its peers go
//   - isolate: one that sees no majority of its peers hangs up on its clients
//     and takes none, so that they go to a server that can serve them
//   - elect: NATS elects a leader for each stream among those left
//   - remap: who leads a stream is committed to the platform's own log
//   - reconnect: clients are back at a server that serves
//
// Each of these is an event. Peers are reached by name alone: servers tell each
// other no addresses, for one learnt from a peer could lead past a partition.
// Users may publish and consume; the streams themselves are the platform's to
// change, see rights. Who came with a token stays for as long as it is good.
// The package is no broker of its own: clients speak NATS. Its one API, Held,
// tells what a node's own replica of a stream has.
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
	"github.com/mcp-resilience/holdfast/mcp/state"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// Config is a server's settings. All but Defects are needed.
type Config struct {
	Name   string // of the node, and so of its server
	Region string
	Host   string            // address to bind
	Dir    string            // folder for streams
	Peers  map[string]string // every node that carries the bus, this one too, with its region
	// Who is this node; servers and users prove themselves to each other.
	Who *trust.Identity
	// Verify judges a user's token, when he comes and every second from then on.
	Verify func(token string) error
	// Lookup finds a peer's address by its name; "" leaves it to the system.
	Lookup func(name string) (string, error)
	State  *state.State
	// Once commits a command through whoever leads the platform, if anybody does.
	Once func(ctx context.Context, c *api.Command) (*api.Applied, error)
	Note func(k events.Kind, says string, fields map[string]string)
	Log  *slog.Logger
	// AckEarly is the defect by which a publish is acknowledged before anybody has it.
	AckEarly bool
}

// Bus is a running server.
type Bus struct {
	cfg  Config
	gate *gate

	stop context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex // guards what is nil until the server is up
	server *server.Server
	conn   *nats.Conn // within the process
	js     jetstream.JetStream
}

// Start starts the server and returns at once: a node's other parts need not
// wait for it. A server that cannot start says so in the log; the node goes on
// without.
func Start(cfg Config) *Bus {
	ctx, cancel := context.WithCancel(context.Background())
	b := &Bus{cfg: cfg, gate: newGate(cfg.Verify, cfg.rights()), stop: cancel}
	b.work.Go(func() {
		if err := b.run(ctx); err != nil {
			cfg.Log.Error("the message bus does not run", "error", err)
		}
	})
	return b
}

// Close hands the server's leaderships over and stops it.
func (b *Bus) Close() error {
	b.stop()
	b.work.Wait()
	return nil
}

func (b *Bus) run(ctx context.Context) error {
	opts, err := b.cfg.options(ctx, b.gate)
	if err != nil {
		return err
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("bus of %s: %w", b.cfg.Name, err)
	}
	logged := &logger{log: b.cfg.Log.With("part", "bus")}
	srv.SetLoggerV2(logged, false, false, false)
	srv.Start()
	defer func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	}()
	if why := logged.fatal(); why != "" {
		return fmt.Errorf("bus of %s: %s", b.cfg.Name, why)
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv), nats.Name(b.cfg.Name),
		nats.UserInfo(insider, b.gate.secret), nats.MaxReconnects(-1), nats.ReconnectWait(look))
	if err != nil {
		return fmt.Errorf("bus of %s: connect within the process: %w", b.cfg.Name, err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("bus of %s: %w", b.cfg.Name, err)
	}
	b.mu.Lock()
	b.server, b.conn, b.js = srv, nc, js
	b.mu.Unlock()
	b.work.Go(func() { b.gate.patrol(ctx, srv) })
	return b.watch(ctx, srv, js)
}

// running is the server and a way to its streams; an error until it is up.
func (b *Bus) running() (*server.Server, jetstream.JetStream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server == nil {
		return nil, nil, errors.New("the bus of " + b.cfg.Name + " is not up yet")
	}
	return b.server, b.js, nil
}

// look is how often a server looks at itself. It asks the library in its own
// process, which costs microseconds. JetStream's advisories tell of elections
// too, but they travel the very routes that a partition cuts, and one that was
// missed is not repeated.
const look = 100 * time.Millisecond
