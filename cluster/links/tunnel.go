package links

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// Connect opens a connection to the ingress proxy. That nobody listens there
// is syscall.ECONNREFUSED, and that it resets is syscall.ECONNRESET, through a tunnel too.
func (i Ingress) Connect(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	if i.Tunnel == "" {
		return d.DialContext(ctx, "tcp", i.Dial)
	}
	conn, err := d.DialContext(ctx, "tcp", i.Tunnel)
	if err != nil {
		return nil, fmt.Errorf("dial linkd at %s: %w", i.Tunnel, err)
	}
	r, err := i.openTunnel(ctx, conn)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	if r.Buffered() == 0 {
		return conn, nil
	}
	return &tunnelConn{Conn: conn, r: r}, nil
}

// openTunnel asks linkd to connect to i.Dial and reads its answer, no longer
// than ctx lives.
func (i Ingress) openTunnel(ctx context.Context, conn net.Conn) (_ *bufio.Reader, err error) {
	addr := i.Dial
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() && err == nil {
			err = fmt.Errorf("connect to %s: %w", addr, ctx.Err())
		}
	}()
	req := http.Request{Method: http.MethodConnect, Host: addr, URL: &url.URL{Host: addr}, Header: http.Header{
		"Proxy-Authorization": {wire.AuthScheme + " " + i.Credential},
	}}
	if err := req.Write(conn); err != nil {
		return nil, fmt.Errorf("ask for %s: %w", addr, err)
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, &req)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: linkd closed the connection: %w", addr, err)
	}
	if resp.StatusCode == http.StatusOK {
		return r, nil
	}
	defer resp.Body.Close()
	switch resp.Header.Get(wire.TunnelFailure) {
	case wire.Refused:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case wire.Reset:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNRESET}
	}
	why, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
	return nil, fmt.Errorf("connect to %s: %s", addr, strings.TrimSpace(string(why)))
}

// tunnelConn is a connection whose first bytes came with linkd's answer.
type tunnelConn struct {
	net.Conn
	r *bufio.Reader
}

func (t *tunnelConn) Read(p []byte) (int, error) { return t.r.Read(p) }

// CloseWrite passes the end of the stream on.
func (t *tunnelConn) CloseWrite() error { return t.Conn.(*net.TCPConn).CloseWrite() }
