package pki

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
	id, err := NewIdentity(secret, name, kind)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// handshake connects a client to a server and sends a word each way. It returns the name
// of the client as the server sees it, and the error of each side.
func handshake(t *testing.T, server, caller *tls.Config, addr string) (who string, serverErr, callerErr error) {
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
		if name, kind, ok := CertificateOwner(conn.(*secureConn).ConnectionState()); ok {
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
	ln.Close() // ends Accept if the client did not connect
	<-done
	return who, serverErr, callerErr
}

func TestWhichClientsAreAccepted(t *testing.T) {
	east := identity(t, secret, "east-1", Node)
	north := identity(t, secret, "north-1", Node)
	user := identity(t, secret, "anna", Client)
	strangeNode := identity(t, another, "north-1", Node)
	strangeUser := identity(t, another, "anna", Client)
	old := north.ClientConfig()
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	blind := strangeNode.ClientConfig() // accepts any server, so that only the server can refuse
	blind.InsecureSkipVerify = true
	blindUser := strangeUser.ClientConfig()
	blindUser.InsecureSkipVerify = true
	for _, tc := range []struct {
		name           string
		server, caller *tls.Config
		addr           string
		who            string // the client's name; empty for an anonymous client
		accepted       bool
		err            string // a part of one side's error
	}{
		{"a node to nodes only", east.PeerServerConfig(), north.ClientConfig(), "east-1:7401", "mcp node north-1", true, ""},
		{"a client to nodes only", east.PeerServerConfig(), user.ClientConfig(), "east-1:7401", "", false, "only nodes may connect here"},
		{"no certificate to nodes only", east.PeerServerConfig(), user.AnonymousClientConfig(), "east-1:7401", "", false, "certificate required"},
		{"a node of another platform to nodes only", east.PeerServerConfig(), blind, "east-1:7401", "", false, "unknown certificate authority"},
		{"a client where a certificate is required", east.AuthenticatedServerConfig(), user.ClientConfig(), "east-1:7453", "mcp client anna", true, ""},
		{"no certificate where one is required", east.AuthenticatedServerConfig(), user.AnonymousClientConfig(), "east-1:7453", "", false, "certificate required"},
		{"a client of another platform", east.ServerConfig(), blindUser, "east-1:7400", "", false, "unknown certificate authority"},
		{"no certificate where it is optional", east.ServerConfig(), user.AnonymousClientConfig(), "east-1:7400", "", true, ""},
		{"a node that is not the one that was dialled", east.PeerServerConfig(), north.ClientConfig(), "south-1:7401", "", false, "not south-1"},
		{"a node of another platform that was dialled", strangeNode.ServerConfig(), user.ClientConfig(), "north-1:7400", "", false, "unknown authority"},
		{"a client that pretends to be a node", user.ServerConfig(), north.ClientConfig(), "anna:7400", "", false, "failed to verify certificate"},
		{"an old protocol", east.PeerServerConfig(), old, "east-1:7401", "", false, "protocol version"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			who, serverErr, callerErr := handshake(t, tc.server, tc.caller, tc.addr)
			if accepted := serverErr == nil && callerErr == nil; accepted != tc.accepted || who != tc.who {
				t.Errorf("accepted %v as %q (server: %v, caller: %v), want %v as %q", accepted, who, serverErr, callerErr, tc.accepted, tc.who)
			}
			if errs := fmt.Sprint(serverErr, " ", callerErr); !strings.Contains(errs, tc.err) {
				t.Errorf("the errors are %s; neither contains %q", errs, tc.err)
			}
		})
	}
}

func TestAClientThatSendsNothingTimesOut(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := Listen(tcp, identity(t, secret, "east-1", Node).PeerServerConfig())
	defer ln.Close()
	silent, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	started := time.Now()
	if _, err = conn.Read(make([]byte, 1)); err == nil || time.Since(started) > 10*handshakeTimeout {
		t.Errorf("read after %v: %v; want an error after %v", time.Since(started), err, handshakeTimeout)
	}
}

func TestACertificateIsRenewedAfterHalfItsLifetime(t *testing.T) {
	id := identity(t, secret, "east-1", Node)
	first, err := id.certificate()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := id.certificate(); again != first {
		t.Error("a second certificate is issued at once")
	}
	if left := first.Leaf.NotAfter.Sub(id.renewAt); left < certificateLifetime/2-time.Minute {
		t.Errorf("renewed %v before the end, want half the lifetime", left)
	}
	id.renewAt = time.Now().Add(-time.Second)
	second, err := id.certificate()
	if err != nil || second == first {
		t.Errorf("the certificate is not renewed after half its lifetime (%v)", err)
	}
}

func TestASecretMustBeLong(t *testing.T) {
	if _, err := NewIdentity("short", "east-1", Node); err == nil || strings.Contains(err.Error(), "short\"") {
		t.Errorf("got %v, want an error that does not contain the secret", err)
	}
}
