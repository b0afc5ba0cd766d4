package linkd

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
)

// dialTimeout is how long a connection may take to reach the far side, which is
// on this machine.
const dialTimeout = 10 * time.Second

// proxy is one port of one link. It accepts connections, dials the far side and
// hands both ends to Toxiproxy, whose toxics move the bytes between them.
//
// Toxiproxy can accept and dial by itself, but then keeps the connections to
// itself too, and they have to be reset: its own reset_peer toxic does nothing to
// connections that are idle or were opened before.
type proxy struct {
	inner  *toxiproxy.Proxy // never started; holds the toxics
	server *toxiproxy.ApiServer
	flows  []*Flow // our toxics, one a direction

	starting sync.Mutex // one connection at a time is handed to Toxiproxy

	mu       sync.Mutex
	listener net.Listener       // nil while the port is closed
	stop     context.CancelFunc // ends what serving waits for
	serving  sync.WaitGroup     // the accept loop and connections that are being opened
	resets   bool               // new connections are reset
	conns    map[*conn]bool
	opened   uint64 // connections so far; names them to Toxiproxy
}

// conn is one of the two ends of a proxied connection.
type conn struct {
	*net.TCPConn
	proxy *proxy
}

// Close also takes the end off the proxy's list.
func (c *conn) Close() error {
	c.proxy.mu.Lock()
	delete(c.proxy.conns, c)
	c.proxy.mu.Unlock()
	return c.TCPConn.Close()
}

func newProxy(server *toxiproxy.ApiServer, name, listen, upstream string) *proxy {
	return &proxy{inner: toxiproxy.NewProxy(server, name, listen, upstream), server: server, conns: map[*conn]bool{}}
}

// listening reports whether the port is open.
func (p *proxy) listening() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listener != nil
}

// open opens the port.
func (p *proxy) open() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	ln, err := net.Listen("tcp", p.inner.Listen)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	p.listener, p.stop = ln, stop
	p.serving.Go(func() { p.accept(ctx, ln) })
	return nil
}

// close closes the port and then every connection.
func (p *proxy) close() {
	p.mu.Lock()
	if p.listener == nil {
		p.mu.Unlock()
		return
	}
	_ = p.listener.Close()
	p.stop()
	p.listener = nil
	p.mu.Unlock()
	p.serving.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.TCPConn.Close()
	}
}

// reset makes every connection end in an RST at both ends, and those that are
// opened from now on, until it is called with false. Bytes that were not yet sent
// are lost.
func (p *proxy) reset(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resets = on
	if !on {
		return
	}
	for c := range p.conns {
		_ = c.SetLinger(0) // fails only on a connection that is closed already
	}
	// Not in the same loop: Toxiproxy closes the other end of one that is closed,
	// and that must be an RST too.
	for c := range p.conns {
		_ = c.TCPConn.Close()
	}
}

// resetPair ends one connection in an RST at both ends.
func (p *proxy) resetPair(near, far *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range []*conn{near, far} { // before either is closed, as in reset
		_ = c.SetLinger(0)
	}
	for _, c := range []*conn{near, far} {
		_ = c.TCPConn.Close()
	}
}

// accept serves connections until the listener is closed.
func (p *proxy) accept(ctx context.Context, ln net.Listener) {
	for {
		c, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // such as too many open files
			time.Sleep(10 * time.Millisecond)
			continue
		}
		// Not in this loop: a far side that does not answer must not keep others waiting.
		p.serving.Go(func() { p.connect(ctx, c.(*net.TCPConn)) })
	}
}

// connect dials the far side for a connection that was accepted, and starts to
// move bytes.
func (p *proxy) connect(ctx context.Context, accepted *net.TCPConn) {
	near := p.add(accepted)
	if near == nil {
		return
	}
	d := net.Dialer{Timeout: dialTimeout}
	dialed, err := d.DialContext(ctx, "tcp", p.inner.Upstream)
	if err != nil {
		_ = near.Close()
		return
	}
	far := p.add(dialed.(*net.TCPConn))
	if far == nil {
		_ = near.Close()
		return
	}
	p.mu.Lock()
	p.opened++
	name := strconv.FormatUint(p.opened, 10)
	p.mu.Unlock()
	p.starting.Lock()
	defer p.starting.Unlock()
	for _, f := range p.flows {
		f.open(func() { p.resetPair(near, far) })
	}
	p.inner.Toxics.StartLink(p.server, name+" upstream", near, far, stream.Upstream)
	p.inner.Toxics.StartLink(p.server, name+" downstream", far, near, stream.Downstream)
}

// add puts one end of a connection on the list, or resets it and returns nil.
func (p *proxy) add(t *net.TCPConn) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resets {
		_ = t.SetLinger(0)
		_ = t.Close()
		return nil
	}
	c := &conn{t, p}
	p.conns[c] = true
	return c
}
