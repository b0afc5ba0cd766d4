package trust

import (
	"context"
	"net"
	"testing"
)

// BenchmarkHandshake is the cost of proving each other, both sides, in one process.
func BenchmarkHandshake(b *testing.B) {
	east, err := New(secret, "east-1", Node)
	if err != nil {
		b.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ln := Listen(tcp, east.Peers())
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
	dial := Dialer(east.Dial(), func(ctx context.Context, network, _ string) (net.Conn, error) {
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
