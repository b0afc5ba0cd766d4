// Package probe measures one address over TCP, from this process or, inside a
// pod, from linkd. Failures are named as a client there would meet them.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// Run probes a TCP address; see WithDialer.
func Run(ctx context.Context, addr, mode string, n int) wire.ProbeResult {
	return WithDialer(ctx, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}, mode, n)
}

// WithDialer dials, in echo mode sends n bytes (at least one) and waits until all
// have come back, and measures both. In close mode it then closes, and measures
// how long that takes to come back. It ends with ctx.
func WithDialer(ctx context.Context, dial func(context.Context) (net.Conn, error), mode string, n int) wire.ProbeResult {
	start := time.Now()
	fail := func(p wire.ProbeResult, err error) wire.ProbeResult {
		p.Error, p.Kind = err.Error(), kind(err)
		return p
	}
	c, err := dial(ctx)
	if err != nil {
		return fail(wire.ProbeResult{}, err)
	}
	defer c.Close()
	p := wire.ProbeResult{Connect: time.Since(start)}
	if mode == wire.Connect {
		return p
	}
	if d, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(d)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	n = max(1, n)
	start = time.Now()
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(make([]byte, n))
		sent <- err
	}()
	_, err = io.CopyN(io.Discard, c, int64(n))
	if err != nil {
		_ = c.Close() // ends the writer
	}
	werr := <-sent
	// The kernel reports an RST once: when the writer meets it, the reader sees
	// nothing but the end of the stream.
	if err == nil || errors.Is(werr, syscall.ECONNRESET) {
		err = werr
	}
	if err != nil {
		return fail(p, err)
	}
	p.RTT = time.Since(start)
	if mode != wire.Close {
		return p
	}
	start = time.Now()
	if err := awaitClose(c); err != nil {
		return fail(p, err)
	}
	p.RTT = time.Since(start)
	return p
}

// awaitClose ends this side of a connection and waits until the other has ended too.
func awaitClose(c net.Conn) error {
	half, ok := c.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("a %T cannot be closed for writing alone", c)
	}
	if err := half.CloseWrite(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, c)
	return err
}

// kind names how a failure looks to a client.
func kind(err error) string {
	var nerr net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return wire.Refused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return wire.Reset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return wire.Closed
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &nerr) && nerr.Timeout():
		return wire.Timeout
	}
	return wire.Other
}
