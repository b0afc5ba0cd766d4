package consensus

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// rpcTimeout bounds each call between nodes, so that a peer that hangs delays only
// its own replication, and only briefly.
const rpcTimeout = time.Second

// maxInFlight is how many batches may be on their way to one follower. On links of
// 30 ms, two would make a write wait for the batch before it.
const maxInFlight = 16

// transport is raft's network transport, over logical names.
type transport struct {
	*raft.NetworkTransport
	layer  *streamLayer
	closed chan struct{}
	once   sync.Once

	lostTail    lostTailGuard
	lastIndex   func() (uint64, error) // of the log on disk
	startFilter sync.Once
	requests    chan raft.RPC
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
	l := &streamLayer{Listener: ln, self: cfg.Peers[cfg.Name], dial: cfg.Dial, accepted: map[net.Conn]struct{}{}}
	return &transport{
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream: l, MaxPool: 4, MaxRPCsInFlight: maxInFlight, Timeout: rpcTimeout,
			Logger: cfg.Logger.Named("transport"),
		}),
		layer: l, closed: make(chan struct{}),
	}, nil
}

// abort ends all waiting inside the transport.
func (t *transport) abort() { t.once.Do(func() { close(t.closed) }) }

// Close also closes all connections.
func (t *transport) Close() error {
	t.abort()
	err := t.NetworkTransport.Close()
	t.NetworkTransport.CloseStreams()
	t.layer.closeAccepted()
	return err
}

// streamLayer accepts on the node's own address and dials peers by name.
type streamLayer struct {
	net.Listener
	self string
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu       sync.Mutex
	accepted map[net.Conn]struct{} // nil once closed
}

// Dial connects to a peer by its logical address.
func (l *streamLayer) Dial(addr raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return l.dial(ctx, "tcp", string(addr))
}

// Addr is the logical address at which peers know this node.
func (l *streamLayer) Addr() net.Addr { return logical(l.self) }

type logical string

func (logical) Network() string  { return "tcp" }
func (a logical) String() string { return string(a) }

// Accept keeps track of the connections, since raft leaves their readers blocked.
func (l *streamLayer) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.accepted == nil {
		c.Close()
		return nil, net.ErrClosed
	}
	l.accepted[c] = struct{}{}
	return &trackedConn{c, l}, nil
}

type trackedConn struct {
	net.Conn
	layer *streamLayer
}

func (a *trackedConn) Close() error {
	a.layer.mu.Lock()
	delete(a.layer.accepted, a.Conn)
	a.layer.mu.Unlock()
	return a.Conn.Close()
}

func (l *streamLayer) closeAccepted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.accepted {
		c.Close()
	}
	l.accepted = nil
}
