package health_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mcp-resilience/holdfast/mcp/events"
	"github.com/mcp-resilience/holdfast/mcp/health"
	"github.com/mcp-resilience/holdfast/mcp/names"
	"github.com/mcp-resilience/holdfast/mcp/peers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStrikesMakeASuspectAndAnAnswerClearsIt(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv, status := grpc.NewServer(), grpchealth.NewServer()
	grpc_health_v1.RegisterHealthServer(srv, status)
	go func() { _ = srv.Serve(ln) }()
	defer srv.Stop()
	hung, err := net.Listen("tcp", "127.0.0.2:"+port(ln)) // accepts and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()

	var mu sync.Mutex
	var told []string
	pool := peers.New(ln.Addr().(*net.TCPAddr).Port, names.Resolver{}.Dial)
	defer pool.Close()
	p := &health.Prober{
		Peers:  []string{"127.0.0.1", "127.0.0.2"},
		Timing: health.Timing{Timeout: 300 * time.Millisecond, Interval: 20 * time.Millisecond, Strikes: 3},
		To:     pool.To,
		Note: func(k events.Kind, _ string, fields map[string]string) {
			if fields["peer"] == "127.0.0.1" {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, string(k)+fields["strike"])
			}
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	await(t, "only the peer that hangs is suspected", func() bool {
		return slices.Equal(p.Suspects(), []string{"127.0.0.2"}) && p.Answers("127.0.0.1")
	})
	status.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	await(t, "a peer that says it does not serve is suspected", func() bool { return slices.Contains(p.Suspects(), "127.0.0.1") })
	status.SetServingStatus("", grpc_health_v1.HealthCheckResponse_SERVING)
	await(t, "it is cleared", func() bool { return !slices.Contains(p.Suspects(), "127.0.0.1") })
	cancel()
	<-done
	// Strikes before the last three may be told of a busy machine.
	want := []string{"strike1", "strike2", "strike3", "suspect", "cleared"}
	if got := told[max(0, len(told)-len(want)):]; !cmp.Equal(want, got) {
		t.Errorf("told %v, want it to end in %v", told, want)
	}
}

func port(ln net.Listener) string { return fmt.Sprint(ln.Addr().(*net.TCPAddr).Port) }

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 10 s until %s", what)
		}
	}
}
