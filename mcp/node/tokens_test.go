package node_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
	"github.com/mcp-resilience/holdfast/mcp/node"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// connect opens a connection to a node, with a token unless it is empty.
func connect(t *testing.T, c *mcptest.Cluster, name, token string, who *pki.Identity) *grpc.ClientConn {
	t.Helper()
	by := api.Credentials{TLS: c.Identity().AnonymousClientConfig()}
	if who != nil {
		by.TLS = who.ClientConfig()
	}
	if token != "" {
		by.Token = func(context.Context) (string, error) { return token, nil }
	}
	conn, err := api.Connect(fmt.Sprintf("%s:%d", name, nodespec.APIPort), c.Dial, by)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// invoke makes a call of a method with an empty request.
func invoke(ctx context.Context, conn *grpc.ClientConn, m protoreflect.MethodDescriptor) error {
	path := fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name())
	if !m.IsStreamingServer() && !m.IsStreamingClient() {
		return conn.Invoke(ctx, path, &emptypb.Empty{}, &emptypb.Empty{})
	}
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, path)
	if err != nil {
		return err
	}
	_ = s.SendMsg(&emptypb.Empty{})
	_ = s.CloseSend()
	return s.RecvMsg(&emptypb.Empty{})
}

// Every method of every service there is, so that one that is added is asked, too.
func TestEveryAPIAsksWhoCalls(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	var methods []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if p := string(f.Package()); p != "mcp.v1" && p != "grpc.health.v1" {
			return true
		}
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for j := range s.Methods().Len() {
				methods = append(methods, s.Methods().Get(j))
			}
		}
		return true
	})
	if len(methods) < 15 {
		t.Fatalf("only %d methods are known", len(methods))
	}
	nobody, liar := connect(t, c, "east-1", "", nil), connect(t, c, "east-1", "eyJ.e30.x", c.Identity())
	peers := 0
	user := connect(t, c, "east-1", "", c.Identity())
	for _, m := range methods {
		for who, conn := range map[string]*grpc.ClientConn{"nobody": nobody, "a client with a bad token": liar} {
			err := invoke(within(t, 5*time.Second), conn, m)
			if status.Code(err) != codes.Unauthenticated || !api.Refused(err) {
				t.Errorf("%s calls %s: %v; want Unauthenticated, and a Refusal", who, m.FullName(), err)
			}
		}
		if s := m.Parent().Name(); s == "Peer" || s == "Reconfiguration" || s == "Witness" || s == "Telemetry" || s == "Admin" {
			peers++
			if err := invoke(within(t, 5*time.Second), user, m); status.Code(err) != codes.PermissionDenied {
				t.Errorf("a client calls %s: %v; want PermissionDenied", m.FullName(), err)
			}
		}
	}
	if peers < 4 {
		t.Errorf("only %d methods for nodes alone", peers)
	}
	hc := c.HTTPS(nil)
	for _, path := range []string{"/events", "/status", "/metrics", "/traces"} {
		r, err := hc.Get(fmt.Sprintf("https://east-1:%d%s", nodespec.EventsPort, path))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != 401 {
			t.Errorf("nobody asks for %s: %s; want 401", path, r.Status)
		}
	}
}

// issue gets a first token from a node.
func issue(t *testing.T, c *mcptest.Cluster, name string, who *pki.Identity) string {
	t.Helper()
	conn := connect(t, c, name, "", who)
	return must(t, "issue a token", func(ctx context.Context) (string, error) {
		r, err := api.NewIdentityClient(conn).Issue(ctx, &api.IssueRequest{})
		return r.GetToken(), err
	})
}

func TestARevokedSessionIsOverEverywhere(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	first := issue(t, c, "east-1", c.Identity())
	refreshed := must(t, "refresh", func(ctx context.Context) (string, error) {
		r, err := api.NewIdentityClient(connect(t, c, "north-1", first, nil)).Refresh(ctx, &api.RefreshRequest{})
		return r.GetToken(), err
	})
	bystander := issue(t, c, "east-1", c.Identity())
	for _, n := range c.Names() {
		must(t, "read through "+n, func(ctx context.Context) (any, error) {
			return api.NewKVClient(connect(t, c, n, refreshed, nil)).Read(ctx, stale("x"))
		})
	}
	// Who shows a token is not issued another session by it, certificate or not.
	if _, err := api.NewIdentityClient(connect(t, c, "east-1", first, c.Identity())).Issue(within(t, 5*time.Second), &api.IssueRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("issued by token: %v", err)
	}
	other, err := pki.NewIdentity(mcptest.Secret, "berta", pki.Client)
	if err != nil {
		t.Fatal(err)
	}
	revoke := func(who *pki.Identity) error {
		_, err := api.NewIdentityClient(connect(t, c, "south-1", "", who)).Revoke(within(t, 5*time.Second), &api.RevokeRequest{Token: first})
		return err
	}
	if err := revoke(other); status.Code(err) != codes.PermissionDenied {
		t.Errorf("berta revokes somebody else's session: %v; want PermissionDenied", err)
	}
	must(t, "revoke", func(context.Context) (any, error) { return nil, revoke(c.Identity()) })
	for _, n := range c.Names() {
		for name, token := range map[string]string{"the first token": first, "the one it was refreshed to": refreshed} {
			var err error
			c.Await(n+" refuses "+name, func() bool {
				_, err = api.NewKVClient(connect(t, c, n, token, nil)).Read(within(t, 5*time.Second), stale("x"))
				return err != nil
			})
			if status.Code(err) != codes.Unauthenticated || !api.Refused(err) || !strings.Contains(err.Error(), "revoked") {
				t.Errorf("%s refuses %s with %v", n, name, err)
			}
		}
		if _, err := api.NewKVClient(connect(t, c, n, bystander, nil)).Read(within(t, 5*time.Second), stale("x")); err != nil {
			t.Errorf("another session of the same user: %v", err)
		}
	}
	if _, err := api.NewIdentityClient(connect(t, c, "north-1", refreshed, nil)).Refresh(within(t, 5*time.Second), &api.RefreshRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a revoked token is refreshed: %v", err)
	}
}

// Tokens are refreshed every second here, and keys changed every two: nobody notices.
func TestKeysRotateUnderLoad(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1, "--tokens", "10s/1s/2s")
	cl := c.Client("south")
	must(t, "write", func(ctx context.Context) (any, error) { return cl.Write(ctx, client.NewID(), "x", "0") })
	keys := map[string]bool{}
	ask := api.NewIdentityClient(connect(t, c, "north-1", "", c.Identity()))
	calls, end := 0, time.Now().Add(11*time.Second)
	for time.Now().Before(end) || len(keys) < 9 {
		if calls++; calls > 100_000 {
			t.Fatalf("only %d keys after %d calls", len(keys), calls)
		}
		if _, err := cl.Write(within(t, 5*time.Second), client.NewID(), "x", fmt.Sprint(calls)); err != nil {
			if status.Code(err) == codes.Unauthenticated || strings.Contains(err.Error(), "token") {
				t.Fatalf("call %d: %v", calls, err)
			}
		}
		if calls%50 == 0 {
			r, err := ask.Keys(within(t, 5*time.Second), &api.KeysRequest{})
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range r.Keys {
				keys[k.Id] = true
			}
		}
	}
	t.Logf("%d calls, %d keys of three nodes", calls, len(keys))
}

// Cut off from the majority, a node still knows its users, and issues to them.
func TestALoneNodeKnowsItsUsers(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	lone := other(c, c.Leader())
	token := issue(t, c, other(c, lone), c.Identity())
	own := issue(t, c, lone, c.Identity())
	for _, n := range c.Names() {
		if n != lone {
			c.Kill(n)
		}
	}
	c.Await(lone+" knows no leader", func() bool {
		s, err := c.Status(lone)
		return err == nil && s.Leader == ""
	})
	for name, token := range map[string]string{"of a node that is gone": token, "of its own": own, "issued alone": issue(t, c, lone, c.Identity())} {
		conn := connect(t, c, lone, token, nil)
		if _, err := api.NewKVClient(conn).Read(within(t, 5*time.Second), stale("x")); err != nil {
			t.Errorf("a stale read with a token %s: %v", name, err)
		}
		if _, err := api.NewIdentityClient(conn).Refresh(within(t, 5*time.Second), &api.RefreshRequest{}); err != nil {
			t.Errorf("refreshing a token %s: %v", name, err)
		}
	}
}

func TestANodeWithoutASecretDoesNotStart(t *testing.T) {
	args := []string{"--name", "east-1", "--host", "127.0.0.1", "--data", t.TempDir()}
	for name, secret := range map[string]string{"none": "", "a short one": "tooshort"} {
		t.Setenv(nodespec.SecretEnv, secret)
		var output bytes.Buffer
		if code := node.Main(args, &output); code != 64 || !strings.Contains(output.String(), "secret") || (secret != "" && strings.Contains(output.String(), secret)) {
			t.Errorf("%s: exit status %d, says %q; want 64, with the reason and without the secret", name, code, output.String())
		}
	}
}
