package gateway

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// hangingNode is an API whose health checks and calls do not return while it is stuck.
type hangingNode struct {
	grpc_health_v1.UnimplementedHealthServer
	api.UnimplementedPeerServer
	stuck atomic.Bool
	asked atomic.Int64
}

func (n *hangingNode) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	n.asked.Add(1)
	if n.stuck.Load() {
		<-ctx.Done()
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

func (n *hangingNode) Propose(ctx context.Context, _ *api.Command) (*api.Applied, error) {
	if n.stuck.Load() {
		<-ctx.Done()
	}
	return &api.Applied{Node: "leader"}, nil
}

// follower always takes the same node for the leader.
type follower struct{ Consensus }

func (follower) Leader() (string, <-chan struct{}) { return "leader", nil }

// A node that still counts as the leader but does not answer is not waited for.
func TestCallsDoNotWaitForAnUnresponsiveLeader(t *testing.T) {
	n := &hangingNode{}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	who, err := pki.NewIdentity("a secret of the test, long enough for trust", "leader", pki.Node)
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer(grpc.Creds(credentials.NewTLS(who.ServerConfig())))
	grpc_health_v1.RegisterHealthServer(srv, n)
	api.RegisterPeerServer(srv, n)
	go func() { _ = srv.Serve(ln) }()
	defer srv.Stop()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, ln.Addr().String())
	}
	conn, err := api.Connect("leader:7400", dial, api.Credentials{TLS: who.ClientConfig()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	to := func(string) (*grpc.ClientConn, error) { return conn, nil }
	health := &LeaderHealth{HealthCheckTiming: HealthCheckTiming{Interval: 20 * time.Millisecond, Timeout: 200 * time.Millisecond, Strikes: 2}, Self: "self", Leader: follower{}.Leader, Conn: to}
	g := &Gateway{Name: "self", Consensus: follower{}, Conn: to, LeaderHealth: health}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); health.Run(ctx) }()
	defer func() { cancel(); <-done }()
	propose := func() (time.Duration, error) {
		began := time.Now()
		_, err := g.SubmitOnce(ctx, &api.Command{})
		return time.Since(began), err
	}
	if _, err := propose(); err != nil {
		t.Fatalf("a healthy leader: %v", err)
	}
	n.stuck.Store(true)
	took, err := propose()
	if err == nil || api.Refused(err) || took > defaultTimeout/2 {
		t.Errorf("a call that the leader had when it got stuck: %v after %v; want unknown, long before %v", err, took, defaultTimeout)
	}
	if took, err := propose(); !api.Refused(err) || took > time.Second {
		t.Errorf("the next call: %v after %v; want a refusal at once", err, took)
	}
	n.stuck.Store(false)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := propose(); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a leader that responds again still counts as unresponsive")
		}
	}
}
