package pki

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// handshakeTimeout limits the TLS handshake of an accepted connection.
const handshakeTimeout = 3 * time.Second

// DialFunc connects to a logical address such as "north-1:7401".
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Dialer runs a TLS handshake on the connections of dial. A connection that it returns is
// to the node that was dialled.
func Dialer(c *tls.Config, dial DialFunc) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		named, err := ExpectHost(c, addr)
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
			return nil, fmt.Errorf("dial %s: TLS handshake: %w", addr, err)
		}
		return &secureConn{Conn: conn, raw: raw}, nil
	}
}

// Listen runs a TLS handshake on the connections that ln accepts. The handshake is part of
// the first Read, so that a slow peer does not delay Accept, and has a timeout.
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
	s := &secureConn{Conn: tls.Server(raw, l.config), raw: raw}
	s.handshake = sync.OnceValue(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
		defer cancel()
		return s.HandshakeContext(ctx)
	})
	return s, nil
}

// secureConn is a TLS connection that closes at once. TLS would send a close_notify alert
// first, and wait for seconds if the other side does not read. The protocols used here
// mark their own end.
type secureConn struct {
	*tls.Conn
	raw       net.Conn
	handshake func() error // on the side that accepted; nil on the other, whose handshake is done
}

func (s *secureConn) Read(p []byte) (int, error) {
	if s.handshake != nil {
		if err := s.handshake(); err != nil {
			return 0, fmt.Errorf("TLS handshake: %w", err)
		}
	}
	return s.Conn.Read(p)
}

func (s *secureConn) Close() error { return s.raw.Close() }
