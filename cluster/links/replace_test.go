package links_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2/client"
	"github.com/prometheus/procfs"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// A reader that is stopped with every buffer full is what hangs Toxiproxy's own
// toxics for ever. Ours go on, and lose nothing.
func TestStalledReader(t *testing.T) {
	w := open(t)
	ln := w.listen(t, "north-1")
	near, far := w.connect(t, nodes, ln)
	sent := fill(t, near)
	for _, e := range []links.Effect{{Latency: time.Millisecond}, {Cut: links.Hold}, {Rate: 1 << 40}} {
		w.apply(t, "x", on(nodes, topology.BothWays), e)()
	}
	if got := w.noticed(); got != "" {
		t.Errorf("linkd was replaced: %s", got)
	}
	_ = far.SetReadDeadline(time.Now().Add(long))
	if n, err := io.CopyN(io.Discard, far, sent); err != nil {
		t.Errorf("%d of %d bytes arrived: %v", n, sent, err)
	}
}

// fill writes until nothing more fits and returns how much did.
func fill(t *testing.T, c io.Writer) (sent int64) {
	t.Helper()
	type deadliner interface{ SetWriteDeadline(time.Time) error }
	chunk := make([]byte, 1<<20)
	for idle := 0; ; {
		_ = c.(deadliner).SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := c.Write(chunk)
		sent += int64(n)
		if err != nil {
			if !os.IsTimeout(err) {
				t.Fatal(err)
			}
			if n == 0 {
				idle++
			}
			if idle == 3 { // once may be a busy machine
				return sent
			}
		}
	}
}

// Somebody's own Toxiproxy toxic on a stalled link does hang linkd; it is
// replaced, and the new one has the same effects.
func TestLinkdThatHangsIsReplaced(t *testing.T) {
	w := open(t)
	ln := w.listen(t, "north-1")
	near, _ := w.connect(t, nodes, ln)
	s := w.servers["east-1"]
	proxy, err := toxiproxy.NewClient(withCredential(t, s)).Proxy("east-1-to-north-1-api")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proxy.AddToxic("foreign", "latency", "upstream", 1, toxiproxy.Attributes{"latency": 1}); err != nil {
		t.Fatal(err)
	}
	fill(t, near)
	hangs := make(chan error, 1)
	go func() { hangs <- proxy.RemoveToxic("foreign") }()
	for answers(t, s) { // until the removal holds the lock
		time.Sleep(10 * time.Millisecond)
	}
	w.replaced(t)
	if err := <-hangs; err == nil {
		t.Error("the foreign toxic came off: this test no longer shows a hang")
	}
}

// withCredential opens an address that hands requests to a linkd's admin API with
// its credential, for Toxiproxy's own client, which sends none.
func withCredential(t *testing.T, s links.Server) string {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	front := httptest.NewServer(&httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: s.Admin})
		r.Out.Header.Set("Authorization", "Bearer "+s.Credential)
	}})
	t.Cleanup(front.Close)
	return front.URL
}

// answers reports whether a linkd answers a question that needs its lock.
func answers(t *testing.T, s links.Server) bool {
	t.Helper()
	c := http.Client{Timeout: 300 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Admin+"/proxies", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Credential)
	resp, err := c.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil
}

// A linkd whose proxy process is stopped, or has died, is replaced likewise.
func TestLinkdThatIsGoneIsReplaced(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		t.Run(s.String(), func(t *testing.T) {
			w := open(t)
			pid := find(t, "proxy", w.servers["east-1"].Admin)
			if err := syscall.Kill(pid, s); err != nil {
				t.Fatal(err)
			}
			if s == syscall.SIGSTOP {
				awaitStopped(t, pid)
			}
			w.replaced(t)
		})
	}
}

// awaitStopped waits until every thread of a process is stopped. SIGSTOP takes
// effect when one thread of the process handles it; on a busy machine the others
// run on for a while until then, and could answer a request.
func awaitStopped(t *testing.T, pid int) {
	t.Helper()
	stopped := func() bool {
		threads, err := procfs.AllThreads(pid)
		if err != nil {
			t.Fatal(err)
		}
		for _, thread := range threads {
			if stat, err := thread.Stat(); err != nil || stat.State != "T" {
				return false
			}
		}
		return true
	}
	for deadline := time.Now().Add(long); !stopped(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d does not stop", pid)
		}
	}
}

// replaced applies an effect to a link of east-1 and checks that its linkd is
// replaced, that the new one does what was asked before and now, and that heal works.
func (w *world) replaced(t *testing.T) {
	t.Helper()
	other := topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "east-2"}
	const slow = 30 * time.Millisecond
	heal := w.apply(t, "x", []topology.Flow{{Link: nodes, Direction: topology.BothWays}, {Link: other, Direction: topology.Upstream}},
		links.Effect{Latency: slow})
	if got := w.noticed(); strings.Count(got, "linkd of east-1") != 1 {
		t.Errorf("notices: %q", got)
	}
	if got := w.echo(t, nodes); got < 2*slow {
		t.Errorf("echo %s: %v", nodes, got)
	}
	if got := w.echo(t, other); got < slow {
		t.Errorf("echo %s: %v", other, got)
	}
	w.echo(t, back)
	heal()
	if got := w.best(t, nodes); got >= 2*slow {
		t.Errorf("healed, echo %s: %v", nodes, got)
	}
}

// Where the supervisor is gone too, ApplyEffect returns an error and leaves nothing behind
// on the links it could reach.
func TestNoLinkdAtAll(t *testing.T) {
	w := open(t)
	pid := find(t, "-control", w.servers["east-1"].Control)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	both := append(on(nodes, topology.BothWays), on(back, topology.BothWays)...)
	_, err := w.ApplyEffect(ctx, "x", both, links.Effect{Cut: links.Refuse})
	if err == nil || !strings.Contains(err.Error(), "linkd of east-1") || !strings.Contains(err.Error(), "could not be replaced") {
		t.Errorf("got %v", err)
	}
	if s := links.ProbeFailureOf(w.Echo(ctx, back).Err); s == links.Refused {
		t.Errorf("%s is still cut", back)
	}
}

// find returns the process whose command line has all of the words.
func find(t *testing.T, words ...string) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		line := strings.Split(string(b), "\x00")
		found := strings.HasSuffix(line[0], "linkd")
		for _, w := range words {
			found = found && strings.Contains(fmt.Sprint(line), w)
		}
		if found {
			pid, _ := strconv.Atoi(strings.Split(f, "/")[2])
			return pid
		}
	}
	t.Fatalf("no linkd process with %q", words)
	return 0
}
