package linkd

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// door lets clients outside the pod in to listeners inside it, by HTTP CONNECT
// on the control address. A runtime would otherwise have to publish a port for
// each client region and port, which takes a container engine a fifth of a
// second each; and an engine's port forwarding accepts before it knows whether
// anybody listens, so that a refused connection would look like a made one.
type door struct {
	inside sync.WaitGroup
}

// connect opens the asked address and joins the two connections until both
// directions have ended, or ctx, the supervisor's, has.
func (d *door) connect(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	d.inside.Add(1)
	defer d.inside.Done()
	near, err := new(net.Dialer).DialContext(ctx, "tcp", r.Host)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			w.Header().Set(wire.TunnelFailure, wire.Refused)
		}
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer near.Close()
	far, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer far.Close()
	stop := context.AfterFunc(ctx, func() {
		_ = near.Close()
		_ = far.Close()
	})
	defer stop()
	if _, err := io.WriteString(far, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	join(near.(*net.TCPConn), far.(*net.TCPConn), buffered)
}

// join copies both ways. The end of a stream is passed on as such, and a reset
// as a reset.
func join(near, far *net.TCPConn, fromFar io.Reader) {
	var both sync.WaitGroup
	both.Go(func() { pass(near, fromFar, far) })
	both.Go(func() { pass(far, near, near) })
	both.Wait()
}

// pass copies from one side, whose connection is source, to the other.
func pass(to *net.TCPConn, from io.Reader, source *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		// One side broke: the other shall see it, and the copy back must end.
		_ = to.SetLinger(0)
		_ = to.Close()
		_ = source.SetLinger(0)
		_ = source.Close()
		return
	}
	_ = to.CloseWrite()
}
