package linkd_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/cluster/links/linkd"
)

// none is a backend without proxies: the tunnel needs none.
type none struct{}

func (none) Start(context.Context) error { return nil }
func (none) Stop() error                 { return nil }
func (none) Healthy() error              { return nil }

// credential is that of every linkd of these tests.
const credential = "a credential for tests alone"

// open starts a supervisor that ends with the test, with some addresses as its
// ingress, and returns the way to the first of them.
func open(t *testing.T, ingress ...string) links.Ingress {
	t.Helper()
	return links.Ingress{Tunnel: supervise(t, none{}, ingress...), Dial: ingress[0], Credential: credential}
}

// supervise starts a supervisor that ends with the test and returns its control address.
func supervise(t *testing.T, proxies linkd.Backend, ingress ...string) string {
	t.Helper()
	control, echo := listen(t), listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	s := linkd.Supervisor{Control: control, Echo: echo, Proxies: proxies, Credential: credential, Ingress: ingress}
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("supervisor: %v", err)
		}
	})
	return control.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestTunnelPassesBytesAndTheEndOfAStream(t *testing.T) {
	inside := listen(t)
	go func() {
		c, err := inside.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		b, _ := io.ReadAll(c) // ends with the client's CloseWrite
		_, _ = c.Write(append(b, " heard"...))
	}()
	c, err := open(t, inside.Addr().String()).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "hello heard" {
		t.Errorf("got %q, %v, want %q", got, err, "hello heard")
	}
}

func TestTunnelRefusesWhereNobodyListens(t *testing.T) {
	l := listen(t)
	addr := l.Addr().String()
	_ = l.Close()
	c, err := open(t, addr).Connect(t.Context())
	if err == nil {
		_ = c.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want a refused connection", err)
	}
}

func TestTunnelPassesAResetOn(t *testing.T) {
	inside := listen(t)
	go func() {
		c, err := inside.Accept()
		if err != nil {
			return
		}
		_, _ = c.Read(make([]byte, 1))
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}()
	c, err := open(t, inside.Addr().String()).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = c.Write([]byte("x"))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset", err)
	}
}

// A listener that resets what it accepts may do so while the tunnel still connects.
// The client must learn that it was reset, whenever it was.
func TestTunnelNamesAResetWhileItConnects(t *testing.T) {
	inside := listen(t)
	go func() {
		for {
			c, err := inside.Accept()
			if err != nil {
				return
			}
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	}()
	to := open(t, inside.Addr().String())
	for range 200 {
		c, err := to.Connect(t.Context())
		if err == nil {
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			_, err = c.Read(make([]byte, 1))
			_ = c.Close()
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("got %v, want a reset", err)
		}
	}
}

func TestTunnelClosesWithItsSupervisor(t *testing.T) {
	inside := listen(t)
	var c net.Conn
	t.Run("while open", func(t *testing.T) {
		var err error
		if c, err = open(t, inside.Addr().String()).Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, syscall.ETIMEDOUT) || isTimeout(err) {
		t.Errorf("got %v, want a closed connection", err)
	}
}

func TestConnectGivesUpWithItsContext(t *testing.T) {
	silent := listen(t) // accepts and never answers
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	c, err := links.Ingress{Tunnel: silent.Addr().String(), Dial: "127.0.0.1:1"}.Connect(ctx)
	if err == nil {
		_ = c.Close()
		t.Fatal("got a connection through a tunnel that does not answer")
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
