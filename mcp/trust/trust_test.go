package trust

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret  = "a secret for tests alone"
	another = "a secret of somebody else"
)

func identity(t *testing.T, secret, name string, kind Kind) *Identity {
	t.Helper()
	id, err := New(secret, name, kind)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// greet has a server and a caller prove themselves, and a word said each way.
// It returns what each side made of it.
func greet(t *testing.T, server, caller *tls.Config, addr string) (who string, serverErr, callerErr error) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := Listen(tcp, server)
	defer ln.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			serverErr = err
			return
		}
		defer conn.Close()
		word := make([]byte, 4)
		if _, serverErr = io.ReadFull(conn, word); serverErr != nil {
			return
		}
		if name, kind, ok := Who(conn.(*secured).ConnectionState()); ok {
			who = fmt.Sprintf("%s %s", kind, name)
		}
		_, serverErr = conn.Write(word)
	}()
	callerErr = func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		dial := Dialer(caller, func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, tcp.Addr().String()) // as a proxy would
		})
		conn, err := dial(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.WriteString(conn, "ping"); err != nil {
			return err
		}
		_, err = io.ReadFull(conn, make([]byte, 4))
		return err
	}()
	ln.Close() // should nobody have come
	<-done
	return who, serverErr, callerErr
}

func TestWhoIsLetIn(t *testing.T) {
	east := identity(t, secret, "east-1", Node)
	north := identity(t, secret, "north-1", Node)
	user := identity(t, secret, "anna", Client)
	strangeNode := identity(t, another, "north-1", Node)
	strangeUser := identity(t, another, "anna", Client)
	old := north.Dial()
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	blind := strangeNode.Dial() // believes anybody, so that only the server can refuse
	blind.InsecureSkipVerify = true
	blindUser := strangeUser.Dial()
	blindUser.InsecureSkipVerify = true
	for _, tc := range []struct {
		name           string
		server, caller *tls.Config
		addr           string
		who            string // empty with let means nobody in particular
		let            bool
		says           string // in one side's error
	}{
		{"a node among nodes", east.Peers(), north.Dial(), "east-1:7401", "mcp node north-1", true, ""},
		{"a client among nodes", east.Peers(), user.Dial(), "east-1:7401", "", false, "only nodes may speak here"},
		{"nobody among nodes", east.Peers(), user.Nameless(), "east-1:7401", "", false, "certificate required"},
		{"a node of another platform among nodes", east.Peers(), blind, "east-1:7401", "", false, "unknown certificate authority"},
		{"a client where one must be known", east.Known(), user.Dial(), "east-1:7453", "mcp client anna", true, ""},
		{"nobody where one must be known", east.Known(), user.Nameless(), "east-1:7453", "", false, "certificate required"},
		{"a client of another platform", east.Server(), blindUser, "east-1:7400", "", false, "unknown certificate authority"},
		{"nobody in particular, who will show a token", east.Server(), user.Nameless(), "east-1:7400", "", true, ""},
		{"a node that is not the one that was dialled", east.Peers(), north.Dial(), "south-1:7401", "", false, "not south-1"},
		{"a node of another platform that was dialled", strangeNode.Server(), user.Dial(), "north-1:7400", "", false, "unknown authority"},
		{"a client that pretends to be a node", user.Server(), north.Dial(), "anna:7400", "", false, "failed to verify certificate"},
		{"an old protocol", east.Peers(), old, "east-1:7401", "", false, "protocol version"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			who, serverErr, callerErr := greet(t, tc.server, tc.caller, tc.addr)
			if let := serverErr == nil && callerErr == nil; let != tc.let || who != tc.who {
				t.Errorf("let in %v as %q (server: %v, caller: %v), want %v as %q", let, who, serverErr, callerErr, tc.let, tc.who)
			}
			if said := fmt.Sprint(serverErr, " ", callerErr); !strings.Contains(said, tc.says) {
				t.Errorf("the sides say %s; neither says %q", said, tc.says)
			}
		})
	}
}

func TestWhoSaysNothingIsHungUpOn(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := Listen(tcp, identity(t, secret, "east-1", Node).Peers())
	defer ln.Close()
	mute, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	started := time.Now()
	if _, err = conn.Read(make([]byte, 1)); err == nil || time.Since(started) > 10*greetLimit {
		t.Errorf("read after %v: %v; want an error after %v", time.Since(started), err, greetLimit)
	}
}

func TestACertificateIsRenewedAtHalfItsLife(t *testing.T) {
	id := identity(t, secret, "east-1", Node)
	first, err := id.certificate()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := id.certificate(); again != first {
		t.Error("another certificate at once")
	}
	if left := first.Leaf.NotAfter.Sub(id.renew); left < leafLife/2-time.Minute {
		t.Errorf("renewed %v before the end, want half a life", left)
	}
	id.renew = time.Now().Add(-time.Second)
	second, err := id.certificate()
	if err != nil || second == first {
		t.Errorf("the same certificate past its half (%v)", err)
	}
}

func TestASecretMustBeLong(t *testing.T) {
	if _, err := New("short", "east-1", Node); err == nil || strings.Contains(err.Error(), "short\"") {
		t.Errorf("got %v, want an error that does not tell the secret", err)
	}
}
