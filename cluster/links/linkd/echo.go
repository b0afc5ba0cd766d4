package linkd

import (
	"context"
	"io"
	"net"
	"sync"
)

// ServeEcho returns every byte it gets, until ctx ends; then it closes its
// connections and returns once they are gone.
func ServeEcho(ctx context.Context, ln net.Listener) error {
	var (
		mu    sync.Mutex
		conns = map[net.Conn]bool{}
		wg    sync.WaitGroup
	)
	stop := context.AfterFunc(ctx, func() {
		_ = ln.Close()
		mu.Lock()
		defer mu.Unlock()
		for c := range conns {
			_ = c.Close()
		}
	})
	defer stop()
	defer wg.Wait()
	for {
		c, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		mu.Lock()
		conns[c] = true
		mu.Unlock()
		if ctx.Err() != nil { // ended before it was on the list
			_ = c.Close()
		}
		wg.Go(func() {
			_, _ = io.Copy(c, c) // a prober that goes away is no error here
			_ = c.Close()
			mu.Lock()
			delete(conns, c)
			mu.Unlock()
		})
	}
}
