package protocoltest

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"
)

// Dialer makes connections, as protocols.System has it.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// mode is what happens on the way to the servers.
type mode int

const (
	pass    mode = iota
	refused      // a dial is refused; connections that exist break
	held         // what clients send is kept until the mode changes, and then delivered
	muted        // what clients send is delivered, and the connection is reset instead of the answer
)

// network leads to real servers and disturbs the way to all of them, or to one address.
type network struct {
	dial Dialer

	mu    sync.Mutex
	mode  mode
	only  string // the address that mode is about, or "" for all
	conns map[*conn]bool
}

func newNetwork(d Dialer) *network { return &network{dial: d, conns: map[*conn]bool{}} }

// set changes the mode and delivers what was held.
func (n *network) set(m mode, only string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mode, n.only = m, only
	for c := range n.conns {
		now := n.at(c.addr)
		if now != held && len(c.kept) > 0 {
			_ = c.Conn.SetWriteDeadline(time.Time{}) // the client's does not bind what is on its way
			_, _ = c.Conn.Write(c.kept)              // the server may have closed it meanwhile
			c.kept = nil
		}
		if now == refused {
			_ = c.Conn.Close()
		}
	}
}

// at is the mode for an address. The caller holds mu.
func (n *network) at(addr string) mode {
	if n.only != "" && n.only != addr {
		return pass
	}
	return n.mode
}

func (n *network) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	now := n.at(addr)
	n.mu.Unlock()
	if now == refused {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	raw, err := n.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, network: n, addr: addr}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[c] = true
	return c, nil
}

// conn is a connection through the network.
type conn struct {
	net.Conn
	network *network
	addr    string
	kept    []byte
}

func (c *conn) Write(b []byte) (int, error) {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if c.network.at(c.addr) == held {
		c.kept = append(c.kept, b...)
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if n > 0 && c.network.at(c.addr) == muted {
		_ = c.Conn.Close()
		return 0, &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	}
	return n, err
}

// Close closes the connection. What is held is still delivered, as it would be on a link: the client is gone and its bytes are on their way.
func (c *conn) Close() error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if len(c.kept) > 0 && c.network.at(c.addr) == held {
		_ = c.Conn.SetReadDeadline(past) // the client reads no more
		return nil
	}
	delete(c.network.conns, c)
	return c.Conn.Close()
}

// closeAll closes what a held connection has left open.
func (n *network) closeAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Conn.Close()
	}
	clear(n.conns)
}
