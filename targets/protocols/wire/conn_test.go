package wire_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/targets/protocols/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a connection and the server's side of it.
func pair(t *testing.T) (*wire.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := wire.New(raw)
	t.Cleanup(func() { _ = c.Close(); _ = server.Close() })
	return c, server
}

// line exchanges one line for another.
func line(ctx context.Context, c *wire.Conn) (got string, sent bool, err error) {
	sent, err = c.Exchange(ctx, []byte("ask\n"), func(in *bufio.Reader) (err error) {
		got, err = in.ReadString('\n')
		return err
	})
	return got, sent, err
}

func becomesUnusable(t *testing.T, c *wire.Conn) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); c.Usable(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it stays usable")
		}
	}
}

func TestExchange(t *testing.T) {
	c, server := pair(t)
	in := bufio.NewReader(server)
	for _, want := range []string{"a\n", "b\n"} {
		go func() {
			_, _ = in.ReadString('\n')
			_, _ = server.Write([]byte(want))
		}()
		if got, sent, err := line(t.Context(), c); got != want || !sent || err != nil {
			t.Fatalf("got %q, sent %v, %v", got, sent, err)
		}
		if !c.Usable() {
			t.Fatal("it cannot be used again")
		}
	}
}

func TestWhatMakesAnIdleConnectionUnusable(t *testing.T) {
	for name, does := range map[string]func(server net.Conn){
		"it is closed":         func(s net.Conn) { _ = s.Close() },
		"something is unasked": func(s net.Conn) { _, _ = s.Write([]byte("408\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			c, server := pair(t)
			does(server)
			becomesUnusable(t, c)
		})
	}
}

func TestWhetherARequestWasSent(t *testing.T) {
	t.Run("not after the time is over", func(t *testing.T) {
		c, _ := pair(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, sent, err := line(ctx, c); sent || !errors.Is(err, context.Canceled) {
			t.Errorf("sent %v, %v", sent, err)
		}
	})
	t.Run("not on a connection that we have closed", func(t *testing.T) {
		c, _ := pair(t)
		_ = c.Close()
		if _, sent, err := line(t.Context(), c); sent || err == nil {
			t.Errorf("sent %v, %v", sent, err)
		}
	})
	t.Run("when there is no answer", func(t *testing.T) {
		c, _ := pair(t)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, sent, err := line(ctx, c); !sent || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("sent %v, %v", sent, err)
		}
	})
	t.Run("when the server closes instead of answering", func(t *testing.T) {
		c, server := pair(t)
		go func() {
			_, _ = bufio.NewReader(server).ReadString('\n')
			_ = server.Close()
		}()
		if _, sent, err := line(t.Context(), c); !sent || err == nil {
			t.Errorf("sent %v, %v", sent, err)
		}
	})
}
