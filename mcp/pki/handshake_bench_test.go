package pki

import (
	"context"
	"net"
	"testing"
)

// BenchmarkHandshake measures a TLS handshake with both sides in one process.
func BenchmarkHandshake(b *testing.B) {
	east, err := NewIdentity(secret, "east-1", Node)
	if err != nil {
		b.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ln := Listen(tcp, east.PeerServerConfig())
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1))
			conn.Close()
		}
	}()
	dial := Dialer(east.ClientConfig(), func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, tcp.Addr().String())
	})
	for b.Loop() {
		conn, err := dial(context.Background(), "tcp", "east-1:7401")
		if err != nil {
			b.Fatal(err)
		}
		_, _ = conn.Write([]byte{1})
		_, _ = conn.Read(make([]byte, 1))
		conn.Close()
	}
}
