package links_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// Another user of the machine can reach every linkd, and can have it do nothing:
// not without credentials, not with those of another pod.
func TestARequestWithoutTheCredentialChangesNothing(t *testing.T) {
	w := open(t)
	s, other := w.servers["east-1"], w.servers["east-2"]
	if s.Credential == other.Credential {
		t.Fatal("two linkds have one credential")
	}
	foreign, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	pid := find(t, "proxy", s.Admin)
	for name, credential := range map[string]string{"without": "", "with a wrong": "wrong", "with another pod's": other.Credential} {
		for _, c := range []struct{ method, url, body string }{
			{http.MethodPost, s.Control + wire.Restart, ""},
			{http.MethodGet, s.Control + wire.Healthz, ""},
			{http.MethodGet, s.Control + wire.Probe + "?mode=connect&addr=" + foreign.Addr().String(), ""},
			{http.MethodPut, s.Admin + wire.Links, `[{"name":"east-1-to-north-1-echo","closed":true}]`},
			{http.MethodGet, s.Admin + "/proxies", ""},
		} {
			if got := status(t, c.method, c.url, c.body, credential); got != http.StatusUnauthorized {
				t.Errorf("%s %s %s credential: got %d, want %d", c.method, c.url, name, got, http.StatusUnauthorized)
			}
		}
		in := links.Ingress{Tunnel: s.Control, Dial: foreign.Addr().String(), Credential: credential}
		if c, err := in.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), "credential") {
			if err == nil {
				_ = c.Close()
			}
			t.Errorf("CONNECT %s credential: got %v, want a refusal for want of it", name, err)
		}
	}
	if got := find(t, "proxy", s.Admin); got != pid {
		t.Errorf("the proxies were replaced: process %d, before %d", got, pid)
	}
	w.echo(t, nodes)
	in := links.Ingress{Tunnel: s.Control, Dial: foreign.Addr().String(), Credential: s.Credential}
	if c, err := in.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), "does not connect to "+in.Dial) {
		if err == nil {
			_ = c.Close()
		}
		t.Errorf("CONNECT to a foreign address: got %v, want a refusal that names %s", err, in.Dial)
	}
	// With the credential it is not refused, so the requests above were as they should be.
	if got := status(t, http.MethodPost, s.Control+wire.Restart, "", s.Credential); got != http.StatusOK {
		t.Errorf("restart with the credential: got %d", got)
	}
	if got := find(t, "proxy", s.Admin); got == pid {
		t.Error("the proxies were not replaced")
	}
}

// status is how a linkd answers a request that carries a credential, none when it is empty.
func status(t *testing.T, method, url, body, credential string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if credential != "" {
		req.Header.Set("Authorization", "Bearer "+credential)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// Arguments are seen by every user of the machine.
func TestTheCredentialIsNoArgument(t *testing.T) {
	w := open(t)
	for _, s := range w.servers {
		for _, words := range [][]string{{"proxy", s.Admin}, {"-control", s.Control}} {
			line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", find(t, words...)))
			if err != nil {
				t.Fatal(err)
			}
			if s.Credential == "" || strings.Contains(string(line), s.Credential) {
				t.Errorf("%q holds the credential, or there is none", line)
			}
		}
	}
}

// The program refuses to serve whoever comes.
func TestLinkdRefusesToStartWithoutACredential(t *testing.T) {
	linkd, err := build.Linkd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-control", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-echo", "127.0.0.1:0"},
		{"proxy", "-admin", "127.0.0.1:0"},
	} {
		cmd := exec.CommandContext(t.Context(), linkd, args...)
		cmd.Env = []string{links.CredentialEnv + "="}
		out, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), links.CredentialEnv) {
			t.Errorf("linkd %v: %v, %s; want exit status 1 and the variable's name", args, err, out)
		}
	}
}
