package probe_test

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/mcp-resilience/holdfast/cluster/links/probe"
	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// An address with an echo server answers; the same address refuses once nothing listens there.
func ExampleRun() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if c, err := l.Accept(); err == nil {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	r := probe.Run(context.Background(), l.Addr().String(), wire.Echo, 1)
	fmt.Println("echo:", r.Error == "" && r.RTT > 0)
	<-served
	_ = l.Close()
	fmt.Println("closed:", probe.Run(context.Background(), l.Addr().String(), wire.Echo, 1).Kind)
	// Output:
	// echo: true
	// closed: refused
}
