package linkd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/linkd"
	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// starts is a backend without proxies that counts how often it was started.
type starts struct {
	none
	atomic.Int32
}

func (s *starts) Start(context.Context) error { s.Add(1); return nil }

// authorizations is what the header of a request may hold, and whether it admits.
var authorizations = []struct {
	name, header string
	admits       bool
}{
	{"without credentials", "", false},
	{"with an empty credential", "Bearer ", false},
	{"with wrong credentials", "Bearer another", false},
	{"with the beginning of the credential", "Bearer " + credential[:5], false},
	{"with more than the credential", "Bearer " + credential + "x", false},
	{"with the credential by another scheme", "Basic " + credential, false},
	{"with the credential alone", credential, false},
	{"with the credential", "Bearer " + credential, true},
	{"with the scheme in small letters", "bearer " + credential, true},
}

// request sends one request as written and returns the status and the body of
// the answer. A connection that CONNECT makes is closed at once.
func request(t *testing.T, addr, method, target, header, value string) (int, string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if value != "" {
		header += ": " + value + "\r\n"
	} else {
		header = ""
	}
	if _, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n", method, target, addr, header); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodConnect && resp.StatusCode == http.StatusOK {
		return resp.StatusCode, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Whoever lacks the credential can have nothing restarted, probed or connected.
func TestTheControlAPIWantsItsCredential(t *testing.T) {
	inside := listen(t)
	var proxies starts
	control := supervise(t, &proxies, inside.Addr().String())
	// It answers once the proxies have been started for the first time.
	if got, body := request(t, control, http.MethodGet, wire.Healthz, "Authorization", "Bearer "+credential); got != http.StatusOK {
		t.Fatalf("healthz: got %d (%s)", got, body)
	}
	for _, a := range authorizations {
		for _, c := range []struct {
			method, target, header string
			refused                int
		}{
			{http.MethodGet, wire.Healthz, "Authorization", http.StatusUnauthorized},
			{http.MethodPost, wire.Restart, "Authorization", http.StatusUnauthorized},
			{http.MethodGet, wire.Probe + "?mode=connect&addr=" + inside.Addr().String(), "Authorization", http.StatusUnauthorized},
			{http.MethodConnect, inside.Addr().String(), "Proxy-Authorization", http.StatusProxyAuthRequired},
		} {
			before, want := proxies.Load(), http.StatusOK
			if !a.admits {
				want = c.refused
			}
			got, body := request(t, control, c.method, c.target, c.header, a.header)
			if got != want {
				t.Errorf("%s %s %s: got %d (%s), want %d", c.method, c.target, a.name, got, body, want)
			}
			if restarted := proxies.Load() > before; restarted != (a.admits && c.target == wire.Restart) {
				t.Errorf("%s %s %s: proxies were started anew: %v", c.method, c.target, a.name, restarted)
			}
			if !a.admits && !strings.Contains(body, "credential") {
				t.Errorf("%s %s %s: the answer %q does not say what is missing", c.method, c.target, a.name, body)
			}
		}
	}
}

// A credential in the header of the other kind of request does not count.
func TestCONNECTWantsItsOwnHeader(t *testing.T) {
	inside := listen(t)
	way := open(t, inside.Addr().String())
	if got, _ := request(t, way.Tunnel, http.MethodConnect, way.Dial, "Authorization", "Bearer "+credential); got != http.StatusProxyAuthRequired {
		t.Errorf("got %d, want %d", got, http.StatusProxyAuthRequired)
	}
}

// With the credential too, CONNECT leads to no address but the pod's own.
func TestCONNECTLeadsNowhereElse(t *testing.T) {
	inside, foreign := listen(t), listen(t)
	way := open(t, inside.Addr().String())
	reached := make(chan bool, 1)
	go func() {
		c, err := foreign.Accept()
		if err == nil {
			_ = c.Close()
		}
		reached <- err == nil
	}()
	_, port, err := net.SplitHostPort(inside.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{
		foreign.Addr().String(),
		way.Tunnel,          // the control API itself
		"localhost:" + port, // a name for an ingress, which whoever answers for names could move
		"[::1]:" + port,
		"192.0.2.1:80",
	} {
		got, body := request(t, way.Tunnel, http.MethodConnect, addr, "Proxy-Authorization", "Bearer "+credential)
		if got != http.StatusForbidden || !strings.Contains(body, addr) {
			t.Errorf("CONNECT %s: got %d (%s), want %d and the address", addr, got, body, http.StatusForbidden)
		}
	}
	_ = foreign.Close()
	if <-reached {
		t.Error("a foreign address was connected to")
	}
	way.Dial = foreign.Addr().String()
	if c, err := way.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), way.Dial) {
		if err == nil {
			_ = c.Close()
		}
		t.Errorf("got %v, want a refusal that names %s", err, way.Dial)
	}
}

// The proxies' own API wants the credential likewise.
func TestTheAdminAPIWantsItsCredential(t *testing.T) {
	free := listen(t)
	admin := free.Addr().String()
	_ = free.Close()
	p := &linkd.InProcess{Admin: admin, Credential: credential}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}()
	for _, a := range authorizations {
		for _, c := range []struct{ method, target string }{
			{http.MethodPut, wire.Links}, {http.MethodGet, wire.Version}, {http.MethodGet, "/proxies"}, {http.MethodPost, "/proxies/x/toxics"},
		} {
			got, body := request(t, admin, c.method, c.target, "Authorization", a.header)
			if refused := got == http.StatusUnauthorized; refused == a.admits {
				t.Errorf("%s %s %s: got %d (%s)", c.method, c.target, a.name, got, body)
			}
		}
	}
}

// Without a credential neither the supervisor nor the proxies start.
func TestALinkdWithoutACredentialDoesNotStart(t *testing.T) {
	var proxies starts
	s := linkd.Supervisor{Control: listen(t), Echo: listen(t), Proxies: &proxies}
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), wire.CredentialEnv) {
		t.Errorf("supervisor: got %v, want an error that names %s", err, wire.CredentialEnv)
	}
	if proxies.Load() > 0 {
		t.Error("the proxies were started")
	}
	if _, err := s.Control.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the control address is still open: %v", err)
	}
	p := &linkd.InProcess{Admin: "127.0.0.1:0"}
	if err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), wire.CredentialEnv) {
		t.Errorf("proxies: got %v, want an error that names %s", err, wire.CredentialEnv)
	}
}
