package consensus

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// rpcTimeout bounds each call between nodes, so that a peer that hangs costs
// its own replication routine a moment and nobody else anything.
const rpcTimeout = time.Second

// inFlight is how many batches may be on their way to one follower. With links
// of 30 ms two would make a write wait for the batch before it.
const inFlight = 16

// transport is raft's network transport over logical names.
type transport struct {
	*raft.NetworkTransport
	layer  *layer
	closed chan struct{}
	once   sync.Once

	doubt  doubt
	last   func() (uint64, error) // entry of the log on disk
	filter sync.Once
	asked  chan raft.RPC
}

func listen(cfg Config) (*transport, error) {
	accept := cfg.Listen
	if accept == nil {
		accept = net.Listen
	}
	ln, err := accept("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for peers: %w", err)
	}
	l := &layer{Listener: ln, self: cfg.Peers[cfg.Name], dial: cfg.Dial, open: map[net.Conn]struct{}{}}
	return &transport{
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream: l, MaxPool: 4, MaxRPCsInFlight: inFlight, Timeout: rpcTimeout,
			Logger: cfg.Logger.Named("transport"),
		}),
		layer: l, closed: make(chan struct{}),
	}, nil
}

// abort ends whatever waits inside the transport.
func (t *transport) abort() { t.once.Do(func() { close(t.closed) }) }

// Close ends all connections, too.
func (t *transport) Close() error {
	t.abort()
	err := t.NetworkTransport.Close()
	t.NetworkTransport.CloseStreams()
	t.layer.hangUp()
	return err
}

// layer accepts on the node's own address and dials peers by name.
type layer struct {
	net.Listener
	self string
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu   sync.Mutex
	open map[net.Conn]struct{} // accepted; nil once closed
}

// Dial connects to a peer by its logical address.
func (l *layer) Dial(addr raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return l.dial(ctx, "tcp", string(addr))
}

// Addr is the logical address at which peers know this node.
func (l *layer) Addr() net.Addr { return logical(l.self) }

type logical string

func (logical) Network() string  { return "tcp" }
func (a logical) String() string { return string(a) }

// Accept keeps track of what it accepts: raft leaves its readers blocked.
func (l *layer) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		c.Close()
		return nil, net.ErrClosed
	}
	l.open[c] = struct{}{}
	return &accepted{c, l}, nil
}

type accepted struct {
	net.Conn
	layer *layer
}

func (a *accepted) Close() error {
	a.layer.mu.Lock()
	delete(a.layer.open, a.Conn)
	a.layer.mu.Unlock()
	return a.Conn.Close()
}

func (l *layer) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		c.Close()
	}
	l.open = nil
}
