package linkd

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// tunnel connects clients outside the pod to listeners inside it, by HTTP CONNECT
// on the control address. A runtime would otherwise have to publish a port for
// each client region and port, which takes a container engine a fifth of a
// second each; and an engine's port forwarding accepts before it knows whether
// anybody listens, so that a refused connection would look like a made one.
//
// Every user of the machine can reach the control address, so a tunnel is for
// whoever has the credential, and leads to no address but those of the pod that
// are listed.
type tunnel struct {
	credential string
	allowed    []string // host:port, as they must be asked for
	open       sync.WaitGroup
}

// connect opens the asked address and joins the two connections until both
// directions have ended, or ctx, the supervisor's, has.
func (t *tunnel) connect(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	if !carries(r.Header.Get("Proxy-Authorization"), t.credential) {
		w.Header().Set("Proxy-Authenticate", wire.AuthScheme)
		http.Error(w, "this linkd connects only clients that carry its credential", http.StatusProxyAuthRequired)
		return
	}
	if !slices.Contains(t.allowed, r.Host) {
		http.Error(w, "this linkd does not connect to "+r.Host+": it is neither an ingress nor the echo of its pod", http.StatusForbidden)
		return
	}
	t.open.Add(1)
	defer t.open.Done()
	inner, err := new(net.Dialer).DialContext(ctx, "tcp", r.Host)
	if err != nil {
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			w.Header().Set(wire.TunnelFailure, wire.Refused)
		case errors.Is(err, syscall.ECONNRESET): // by a proxy that resets what it accepts
			w.Header().Set(wire.TunnelFailure, wire.Reset)
		}
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer inner.Close()
	outer, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer outer.Close()
	stop := context.AfterFunc(ctx, func() {
		_ = inner.Close()
		_ = outer.Close()
	})
	defer stop()
	if _, err := io.WriteString(outer, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	join(inner.(*net.TCPConn), outer.(*net.TCPConn), buffered)
}

// join copies both ways. The end of a stream is passed on as such, and a reset
// as a reset.
func join(inner, outer *net.TCPConn, fromOuter io.Reader) {
	var both sync.WaitGroup
	both.Go(func() { forward(inner, fromOuter, outer) })
	both.Go(func() { forward(outer, inner, inner) })
	both.Wait()
}

// forward copies from one side, whose connection is source, to the other.
func forward(to *net.TCPConn, from io.Reader, source *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		// One side broke: the other must notice, and the copy back must end.
		_ = to.SetLinger(0)
		_ = to.Close()
		_ = source.SetLinger(0)
		_ = source.Close()
		return
	}
	_ = to.CloseWrite()
}
