package redis_test

import (
	"bufio"
	"context"
	"net"
	"testing"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/protocoltest"
	"github.com/mcp-resilience/holdfast/targets/protocols/redis"
)

// BenchmarkDo compares an operation of a client with the same command on a bare connection: the rest is what the client costs.
func BenchmarkDo(b *testing.B) {
	port := protocoltest.FreePort(b)
	protocoltest.Start(b, protocoltest.Required(), "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", b.TempDir())
	var bare net.Conn
	protocoltest.Await(b, "a server", func() (err error) { bare, err = net.Dial("tcp", "127.0.0.1:"+port); return err })
	defer bare.Close()
	b.Run("bare", func(b *testing.B) {
		in := bufio.NewReader(bare)
		for b.Loop() {
			if _, err := bare.Write([]byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n1\r\n")); err != nil {
				b.Fatal(err)
			}
			if _, err := in.ReadSlice('\n'); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("client", func(b *testing.B) {
		p, err := redis.New(redis.Settings{})
		if err != nil {
			b.Fatal(err)
		}
		c, err := p.Client(b.Context(), protocols.System{Endpoints: []protocols.Endpoint{{Node: "n", Address: "n:" + port}}, Dial: dial}, 0)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		for b.Loop() {
			if got := c.Do(ctx, history.Op{Kind: history.Write, Key: "k", Value: "1"}); got.Outcome != history.OK {
				b.Fatal(got.Error)
			}
		}
	})
}
