package trust

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// greetLimit is how long one who connects may take to prove himself.
const greetLimit = 3 * time.Second

// DialFunc connects to a logical address such as "north-1:7401".
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Dialer secures the connections of dial; what it returns has proved to be
// the node that was dialled.
func Dialer(c *tls.Config, dial DialFunc) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		named, err := For(c, addr)
		if err != nil {
			return nil, err
		}
		raw, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		conn := tls.Client(raw, named)
		if err := conn.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, fmt.Errorf("dial %s: prove each other: %w", addr, err)
		}
		return &secured{Conn: conn, raw: raw}, nil
	}
}

// Listen secures the connections that ln accepts. Each proves itself when it
// is first read from, so one that does not holds nobody else up, and has a few seconds for it.
func Listen(ln net.Listener, c *tls.Config) net.Listener { return &listener{ln, c} }

type listener struct {
	net.Listener
	config *tls.Config
}

func (l *listener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := &secured{Conn: tls.Server(raw, l.config), raw: raw}
	s.greet = sync.OnceValue(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), greetLimit)
		defer cancel()
		return s.HandshakeContext(ctx)
	})
	return s, nil
}

// secured closes at once. TLS would say good-bye first, and wait for seconds
// when the other side does not read; what is spoken here knows its own end.
type secured struct {
	*tls.Conn
	raw   net.Conn
	greet func() error // of the side that accepted; nil on the other, which has done so
}

func (s *secured) Read(p []byte) (int, error) {
	if s.greet != nil {
		if err := s.greet(); err != nil {
			return 0, fmt.Errorf("prove each other: %w", err)
		}
	}
	return s.Conn.Read(p)
}

func (s *secured) Close() error { return s.raw.Close() }
