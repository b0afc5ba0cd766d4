package linkd

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// openProxy makes one proxy in front of an echo server and returns its API and
// its description.
func openProxy(t *testing.T) (*Proxies, http.Handler, wire.Proxy) {
	t.Helper()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	echoes := make(chan error, 1)
	go func() { echoes <- ServeEcho(ctx, echo) }()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := wire.Proxy{Name: "a-to-b", Listen: free.Addr().String(), Upstream: echo.Addr().String()}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	p := NewProxies()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		end()
		if err := <-echoes; err != nil {
			t.Error(err)
		}
	})
	if err := p.Put([]wire.Proxy{w}); err != nil {
		t.Fatal(err)
	}
	return p, p.Handler(), w
}

// roundTrip sends one byte and waits for it to come back.
func roundTrip(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte{'x'}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// A proxy forgets connections that have ended, whichever end closed them.
func TestClosedConnectionsAreForgotten(t *testing.T) {
	p, _, w := openProxy(t)
	for range 20 {
		c, err := net.Dial("tcp", w.Listen)
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, c)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	listed := func() int {
		made := p.list()[w.Name]
		made.mu.Lock()
		defer made.mu.Unlock()
		return len(made.conns)
	}
	for until := time.Now().Add(10 * time.Second); listed() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d ends of closed connections are still listed", listed())
		}
	}
}

// The API shows a proxy as Toxiproxy's own does, and refuses what would change it
// behind our back.
func TestAPI(t *testing.T) {
	p, api, w := openProxy(t)
	call := func(method, path, body string) (int, string) {
		r := httptest.NewRecorder()
		api.ServeHTTP(r, httptest.NewRequest(method, path, strings.NewReader(body)))
		return r.Code, r.Body.String()
	}
	enabled := func() any {
		_, body := call(http.MethodGet, "/proxies/"+w.Name, "")
		var shown map[string]any
		if err := json.Unmarshal([]byte(body), &shown); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		return shown["enabled"]
	}
	_, body := call(http.MethodGet, "/proxies", "")
	var all map[string]struct {
		Listen, Upstream string
		Enabled          bool
		Toxics           []struct{ Name, Type string }
	}
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if got := all[w.Name]; got.Listen != w.Listen || got.Upstream != w.Upstream || !got.Enabled || len(got.Toxics) != 2 {
		t.Errorf("GET /proxies: %s", body)
	}
	closed := w
	closed.Closed = true
	if err := p.Put([]wire.Proxy{closed}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(false), enabled()); diff != "" {
		t.Errorf("enabled while closed (-want +got):\n%s", diff)
	}
	if err := p.Put([]wire.Proxy{w}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodGet, "/proxies/other", "", http.StatusNotFound},
		{http.MethodPost, "/proxies/" + w.Name + "/toxics", `{"type":"latency","name":"foreign","attributes":{"latency":1}}`, http.StatusOK},
		{http.MethodDelete, "/proxies/" + w.Name + "/toxics/foreign", "", http.StatusNoContent},
		// Toxiproxy would take our connections for bare ones, and panic.
		{http.MethodPost, "/proxies/" + w.Name + "/toxics", `{"type":"reset_peer"}`, http.StatusBadRequest},
		{http.MethodDelete, "/proxies/" + w.Name, "", http.StatusMethodNotAllowed},
		{http.MethodPost, "/reset", "", http.StatusNotFound},
		{http.MethodGet, wire.Version, "", http.StatusOK},
	} {
		if got, body := call(c.method, c.path, c.body); got != c.want {
			t.Errorf("%s %s %s: got %d (%s), want %d", c.method, c.path, c.body, got, body, c.want)
		}
	}
	c, err := net.Dial("tcp", w.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	roundTrip(t, c)
}
