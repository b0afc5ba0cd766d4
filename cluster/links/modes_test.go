package links_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Hold and blackhole stop exactly the flow they are for, on connections that
// are open; hold gives the bytes back, blackhole closes.
func TestSilentCuts(t *testing.T) {
	w := open(t)
	ln := w.listen(t, "north-1")
	for _, link := range []topology.Link{nodes, clients} {
		for _, mode := range []links.Mode{links.Hold, links.Blackhole} {
			for _, flow := range []topology.Direction{topology.Upstream, topology.Downstream, topology.BothWays} {
				t.Run(link.String()+" "+string(mode)+" "+string(flow), func(t *testing.T) {
					near, far := w.connect(t, link, ln)
					heal := w.apply(t, "cut", on(link, flow), links.Effect{Cut: mode})
					upCut := flow != topology.Downstream
					downCut := flow != topology.Upstream

					send(t, near)
					send(t, far)
					for _, end := range []struct {
						name string
						conn net.Conn
						cut  bool
					}{{"upstream", far, upCut}, {"downstream", near, downCut}} {
						if end.cut {
							if err := read(t, end.conn, short); !errors.Is(err, os.ErrDeadlineExceeded) {
								t.Errorf("cut %s: got %v, want silence", end.name, err)
							}
						} else if err := read(t, end.conn, long); err != nil {
							t.Errorf("open %s: got %v, want the byte", end.name, err)
						}
					}
					ctx, cancel := context.WithTimeout(t.Context(), 2*short)
					if got := links.ProbeFailureOf(w.Echo(ctx, link).Err); got != links.Silent {
						t.Errorf("echo: got %q, want %q", got, links.Silent)
					}
					cancel()
					w.echo(t, back) // the other link between the two is untouched
					if s := w.EchoDirect(t.Context(), link); s.Err != nil {
						t.Errorf("echo beside the cut link: %v", s.Err)
					}

					heal()
					want := error(nil)
					if mode == links.Blackhole {
						want = io.EOF
					}
					if upCut {
						if err := read(t, far, long); !errors.Is(err, want) {
							t.Errorf("upstream after heal: got %v, want %v", err, want)
						}
					}
					if downCut {
						if err := read(t, near, long); !errors.Is(err, want) {
							t.Errorf("downstream after heal: got %v, want %v", err, want)
						}
					}
					if mode == links.Hold && (!carries(t, near, far) || !carries(t, far, near)) {
						t.Error("the held connection is dead after heal")
					}
					w.connect(t, link, ln)
					w.echo(t, link)
				})
			}
		}
	}
}

// Refuse and reset end what is open and turn away what is new, on both sides
// and whatever flow they are asked for.
func TestLoudCuts(t *testing.T) {
	w := open(t)
	ln := w.listen(t, "north-1")
	tests := map[links.Mode]struct {
		open    error // on an open connection
		failure links.ProbeFailure
	}{
		links.Refuse: {io.EOF, links.Refused},
		links.Reset:  {syscall.ECONNRESET, links.WasReset},
	}
	for _, link := range []topology.Link{nodes, clients} {
		for mode, want := range tests {
			for _, flow := range []topology.Direction{topology.Upstream, topology.Downstream, topology.BothWays} {
				t.Run(link.String()+" "+string(mode)+" "+string(flow), func(t *testing.T) {
					near, far := w.connect(t, link, ln)
					heal := w.apply(t, "cut", on(link, flow), links.Effect{Cut: mode})
					if err := read(t, near, long); !errors.Is(err, want.open) {
						t.Errorf("open connection, near end: got %v, want %v", err, want.open)
					}
					if err := read(t, far, long); !errors.Is(err, want.open) {
						t.Errorf("open connection, far end: got %v, want %v", err, want.open)
					}
					c, err := w.dial(link)
					switch mode {
					case links.Refuse:
						if !errors.Is(err, syscall.ECONNREFUSED) {
							t.Errorf("new connection: got %v, want %v", err, syscall.ECONNREFUSED)
						}
					case links.Reset:
						if err != nil { // the RST may be there before dial returns
							if !errors.Is(err, syscall.ECONNRESET) {
								t.Errorf("new connection: got %v, want %v", err, syscall.ECONNRESET)
							}
							break
						}
						if err := read(t, c, long); !errors.Is(err, syscall.ECONNRESET) {
							t.Errorf("new connection: got %v, want %v", err, syscall.ECONNRESET)
						}
					}
					if err == nil {
						_ = c.Close()
					}
					if got := links.ProbeFailureOf(w.Echo(t.Context(), link).Err); got != want.failure {
						t.Errorf("echo: got %q, want %q", got, want.failure)
					}
					w.echo(t, back)
					heal()
					w.connect(t, link, ln)
					w.echo(t, link)
				})
			}
		}
	}
}

// A connection that is opened and given up while its link is held never was: a
// real network would not have let it through.
func TestHeldConnectionThatIsGivenUp(t *testing.T) {
	w := open(t)
	ln := w.listen(t, "north-1")
	heal := w.apply(t, "cut", on(nodes, topology.BothWays), links.Effect{Cut: links.Hold})
	near, err := w.dial(nodes)
	if err != nil {
		t.Fatal(err)
	}
	const ticket = 200
	if _, err := near.Write([]byte{ticket}); err != nil {
		t.Fatal(err)
	}
	_ = near.Close()
	select {
	case <-ln.empty: // the far end was let go without a byte
	case <-time.After(long):
		t.Error("the far end was not let go")
	}
	heal()
	w.connect(t, nodes, ln)
	select {
	case <-ln.wait(ticket):
		t.Error("what was sent and given up while held arrived after heal")
	default:
	}
}
