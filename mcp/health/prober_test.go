package health_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/health"
	"github.com/mcp-resilience/holdfast/mcp/pki"
	"github.com/mcp-resilience/holdfast/mcp/resolver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStrikesMakeASuspectAndAnAnswerClearsIt(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	who := as(t, "127.0.0.1")
	srv, status := grpc.NewServer(grpc.Creds(credentials.NewTLS(who.PeerServerConfig()))), grpchealth.NewServer()
	grpc_health_v1.RegisterHealthServer(srv, status)
	go func() { _ = srv.Serve(ln) }()
	defer srv.Stop()
	hung, err := net.Listen("tcp", "127.0.0.2:"+port(ln)) // accepts and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()

	var targets atomic.Value
	targets.Store([]string{"127.0.0.1", "127.0.0.2"})
	var mu sync.Mutex
	var noted []string
	pool := api.NewPool(ln.Addr().(*net.TCPAddr).Port, resolver.Resolver{}.Dial, api.Credentials{TLS: who.ClientConfig()})
	defer pool.Close()
	p := &health.Prober{
		Targets: func() []string { return targets.Load().([]string) },
		Timing:  health.Timing{Timeout: 300 * time.Millisecond, Interval: 20 * time.Millisecond, Strikes: 3},
		To:      pool.To,
		Note: func(k events.Kind, _ string, fields map[string]string) {
			if fields["peer"] == "127.0.0.1" {
				mu.Lock()
				defer mu.Unlock()
				noted = append(noted, string(k)+fields["strike"])
			}
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	suspected := func(peer string) bool { return slices.Contains(p.Suspects(), peer) }
	await(t, "only the peer that hangs is suspected, and both are known", func() bool {
		suspects, known := p.Suspicions()
		return slices.Equal(suspects, []string{"127.0.0.2"}) && slices.Equal(known, []string{"127.0.0.1", "127.0.0.2"})
	})
	status.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	await(t, "a peer that says it does not serve is suspected", func() bool { return suspected("127.0.0.1") })
	status.SetServingStatus("", grpc_health_v1.HealthCheckResponse_SERVING)
	await(t, "it is cleared", func() bool { return !suspected("127.0.0.1") })
	targets.Store([]string{"127.0.0.1"})
	await(t, "a peer that is not assigned any more is forgotten", func() bool {
		suspects, known := p.Suspicions()
		return len(suspects) == 0 && slices.Equal(known, []string{"127.0.0.1"})
	})
	status.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	targets.Store([]string{"127.0.0.1", "127.0.0.2"})
	await(t, "a peer that is assigned again is probed anew", func() bool { return suspected("127.0.0.2") })
	status.SetServingStatus("", grpc_health_v1.HealthCheckResponse_SERVING)
	await(t, "it is cleared again", func() bool { return !suspected("127.0.0.1") })
	cancel()
	<-done
	// Strikes before the last three may come from a busy machine.
	want := []string{"strike1", "strike2", "strike3", "suspect", "cleared"}
	if got := noted[max(0, len(noted)-len(want)):]; !cmp.Equal(want, got) {
		t.Errorf("noted %v, want it to end in %v", noted, want)
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

// as makes a node's identity.
func as(t *testing.T, name string) *pki.Identity {
	t.Helper()
	who, err := pki.NewIdentity("a secret for tests alone", name, pki.Node)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// node is a peer and a witness on an address of its own.
func node(t *testing.T, host string, port int, p *health.Prober) (status *grpchealth.Server) {
	t.Helper()
	ln, err := net.Listen("tcp", fmt.Sprintf("%s:%d", host, port))
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer(grpc.Creds(credentials.NewTLS(as(t, host).PeerServerConfig())))
	status = grpchealth.NewServer()
	grpc_health_v1.RegisterHealthServer(srv, status)
	api.RegisterWitnessServer(srv, &health.Witness{Prober: p})
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(srv.Stop)
	return status
}

// A peer behind a link that only this node finds broken is not suspected; one that does
// not answer the witness either is; and without a witness nothing is decided.
func TestASuspectNeedsAWitness(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	pool := api.NewPool(port, resolver.Resolver{}.Dial, api.Credentials{TLS: as(t, "127.0.0.1").ClientConfig()})
	defer pool.Close()
	// The prober's way to the peer is broken; the witness's is not.
	broken := func(name string) (*grpc.ClientConn, error) {
		if name == "127.0.0.4" {
			return nil, fmt.Errorf("no route to %s", name)
		}
		return pool.To(name)
	}
	timing := health.Timing{Timeout: 300 * time.Millisecond, Interval: 20 * time.Millisecond, Strikes: 3, Window: 20, Floor: 50 * time.Millisecond}
	status := node(t, "127.0.0.4", port, nil)
	var mu sync.Mutex
	noted := map[events.Kind]map[string]string{}
	witnesses := []string{"127.0.0.6"} // where nobody listens
	p := &health.Prober{
		Targets: func() []string { return []string{"127.0.0.4"} }, Timing: timing, To: broken,
		Note: func(k events.Kind, _ string, fields map[string]string) {
			mu.Lock()
			defer mu.Unlock()
			noted[k] = fields
		},
		Witnesses: func(string) []string {
			mu.Lock()
			defer mu.Unlock()
			return witnesses
		},
	}
	has := func(k events.Kind) bool {
		mu.Lock()
		defer mu.Unlock()
		return noted[k] != nil
	}
	asked := make(chan struct{}, 100)
	w := &health.Prober{Timing: timing, To: func(name string) (*grpc.ClientConn, error) {
		select {
		case asked <- struct{}{}:
		default:
		}
		return pool.To(name)
	}}
	node(t, "127.0.0.5", port, w)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	await(t, "the peer is pending", func() bool { return has(events.Pending) })
	mu.Lock()
	witnesses = []string{"127.0.0.6", "127.0.0.5"}
	mu.Unlock()
	for range 5 {
		select {
		case <-asked:
		case <-time.After(10 * time.Second):
			t.Fatal("the witness was not asked for 10 s")
		}
	}
	if has(events.Suspect) || len(p.Suspects()) > 0 {
		t.Errorf("suspected %v though it answers the witness", p.Suspects())
	}
	status.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	await(t, "it is suspected once it does not answer the witness either", func() bool { return slices.Equal(p.Suspects(), []string{"127.0.0.4"}) })
	cancel()
	<-done
	if got := noted[events.Suspect]["witness"]; got != "127.0.0.5" {
		t.Errorf("the witness of the suspicion is %q, want 127.0.0.5", got)
	}
}
