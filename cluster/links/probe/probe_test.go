package probe_test

import (
	"net"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/probe"
	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// TestResetIsNeverTakenForAnEnd: whichever of the probe's two sides meets the RST,
// the answer is the same.
func TestResetIsNeverTakenForAnEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(*net.TCPConn)
		want string
	}{
		"RST": {func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() }, wire.Reset},
		"FIN": {func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 1)); _ = c.Close() }, wire.Closed},
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			t.Cleanup(func() { _ = ln.Close(); <-done })
			go func() {
				defer close(done)
				for i := 0; ; i++ {
					c, err := ln.Accept()
					if err != nil {
						return
					}
					time.Sleep(time.Duration(i%50) * 10 * time.Microsecond) // before, amid and after the write
					tt.end(c.(*net.TCPConn))
				}
			}()
			got := map[string]int{}
			const probes = 500
			for range probes {
				got[probe.Run(t.Context(), ln.Addr().String(), wire.Echo, 1).Kind]++
			}
			if got[tt.want] != probes {
				t.Errorf("%d probes came to %v, want %q alone", probes, got, tt.want)
			}
		})
	}
}
