package exec

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/targets/protocols"
)

// forwarder listens on 127.0.0.1 and leads every connection to one endpoint, over the links of the client's region.
type forwarder struct {
	to       protocols.Endpoint
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	listener net.Listener
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

func newForwarder(s protocols.System, to protocols.Endpoint) (*forwarder, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &forwarder{to: to, dial: s.Dial, listener: l}
	f.ctx, f.cancel = context.WithCancel(context.Background()) // close ends it
	f.running.Go(f.accept)
	return f, nil
}

func (f *forwarder) address() string { return f.listener.Addr().String() }

func (f *forwarder) accept() {
	for {
		c, err := f.listener.Accept()
		if err != nil {
			select {
			case <-f.ctx.Done():
				return
			case <-time.After(50 * time.Millisecond): // out of file descriptors, for example
				continue
			}
		}
		f.running.Go(func() { f.forward(c) })
	}
}

// forward copies both ways until one side ends. A node that cannot be dialled is shown to the program as a reset, which
// is what it would see had it dialled the node's link itself.
func (f *forwarder) forward(program net.Conn) {
	defer program.Close()
	node, err := f.dial(f.ctx, "tcp", f.to.Address)
	if err != nil {
		if tcp, ok := program.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		return
	}
	defer node.Close()
	stop := context.AfterFunc(f.ctx, func() { _ = program.Close(); _ = node.Close() })
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(node, program)
		closeWrite(node)
	}()
	_, _ = io.Copy(program, node)
	// The node has closed its side, or the connection broke. A program that waits for nothing else sees it at once.
	_ = program.Close()
	_ = node.Close()
	<-done
}

// closeWrite passes on that the program will send no more. Where that cannot be said, the program is gone.
func closeWrite(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = c.Close()
}

func (f *forwarder) close() {
	f.cancel()
	_ = f.listener.Close()
	f.running.Wait()
}
