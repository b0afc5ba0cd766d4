package nats_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/nats"
	"github.com/mcp-resilience/holdfast/targets/protocols/protocoltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts nats-server, which is a Go package, within the test.
func start(t *testing.T, options server.Options) *server.Server {
	t.Helper()
	options.Host, options.Port, options.JetStream, options.StoreDir, options.NoSigs, options.NoLog = "127.0.0.1", -1, true, t.TempDir(), true, true
	s, err := server.NewServer(&options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not become ready")
	}
	return s
}

func protocol(t *testing.T, s nats.Settings) protocols.Protocol {
	t.Helper()
	p, err := nats.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConformance(t *testing.T) {
	s := start(t, server.Options{Username: "u", Password: "s3cret"})
	endpoints, dial := protocoltest.Nodes(s.Addr().String(), "east-1", "east-2")
	protocoltest.Run(t, protocoltest.Subject{
		Protocol: protocol(t, nats.Settings{User: "u", Password: "{{.Secret}}"}), Endpoints: endpoints, Dial: dial, Secret: "s3cret",
		Query: "$JS.API.INFO", Answer: `"type":"io.nats.jetstream.api.v1.account_info_response"`,
	})
}

func TestConsume(t *testing.T) {
	s := start(t, server.Options{})
	endpoints, dial := protocoltest.Nodes(s.Addr().String(), "east-1")
	c, err := protocol(t, nats.Settings{}).Client(t.Context(), protocols.System{Endpoints: endpoints, Dial: dial}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 3 {
		got := c.Do(t.Context(), history.Op{Kind: history.Publish, Key: "log", Value: fmt.Sprint(i)})
		if got.Outcome != history.OK || got.Revision != uint64(i+1) {
			t.Fatalf("publish %d: %s at %d (%s)", i, got.Outcome, got.Revision, got.Error)
		}
	}
	for _, want := range [][]string{{"0", "1", "2"}, nil} { // each message once
		got := c.Do(t.Context(), history.Op{Kind: history.Consume, Key: "log/a"})
		if got.Outcome != history.OK || !slices.Equal(got.Set, want) {
			t.Errorf("consume: %s %v (%s), want %v", got.Outcome, got.Set, got.Error, want)
		}
	}
	if got := c.Do(t.Context(), history.Op{Kind: history.Consume, Key: "log/b"}); len(got.Set) != 3 || got.Revision != 3 {
		t.Errorf("another consumer: %s %v at %d (%s)", got.Outcome, got.Set, got.Revision, got.Error)
	}
}

// What a real server refuses.
func TestRejections(t *testing.T) {
	s := start(t, server.Options{})
	endpoints, dial := protocoltest.Nodes(s.Addr().String(), "east-1")
	c, err := protocol(t, nats.Settings{}).Client(t.Context(), protocols.System{Endpoints: endpoints, Dial: dial}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	write := history.Op{Kind: history.Write, Key: "k", Value: "1"}
	if got := c.Do(t.Context(), write); got.Outcome != history.OK {
		t.Fatal(got.Error)
	}
	conn, err := natsgo.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), "holdfast-state"); err != nil {
		t.Fatal(err)
	}
	if got := c.Do(t.Context(), write); got.Outcome != history.Failed || !got.Rejected {
		t.Errorf("without a stream: %s, rejected %v (%s)", got.Outcome, got.Rejected, got.Error)
	}
	three, err := protocol(t, nats.Settings{Replicas: 3}).Client(t.Context(), protocols.System{Endpoints: endpoints, Dial: dial}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer three.Close()
	if got := three.Do(t.Context(), write); got.Outcome != history.Failed || !strings.Contains(got.Error, "make the stream") {
		t.Errorf("three replicas on one server: %s (%s)", got.Outcome, got.Error)
	}
}

func TestValidate(t *testing.T) {
	for want, s := range map[string]nats.Settings{
		"password: a user and": {User: "u"},
		"replicas:":            {Replicas: 6},
		"prefix:":              {Prefix: "a.b"},
		`did you mean "file"?`: {Storage: "files"},
		"connectTimeout:":      {ConnectTimeout: -1},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
