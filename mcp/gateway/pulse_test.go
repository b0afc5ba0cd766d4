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
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// stuckNode is an API whose health checks and calls hang while it is stuck.
type stuckNode struct {
	grpc_health_v1.UnimplementedHealthServer
	api.UnimplementedPeerServer
	stuck atomic.Bool
	asked atomic.Int64
}

func (n *stuckNode) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	n.asked.Add(1)
	if n.stuck.Load() {
		<-ctx.Done()
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

func (n *stuckNode) Propose(ctx context.Context, _ *api.Command) (*api.Applied, error) {
	if n.stuck.Load() {
		<-ctx.Done()
	}
	return &api.Applied{Node: "leader"}, nil
}

// follower knows who leads and never finds out otherwise.
type follower struct{ Consensus }

func (follower) Leader() (string, <-chan struct{}) { return "leader", nil }

// A leader that is followed but does not answer is not waited for.
func TestAStuckLeaderIsNotWaitedFor(t *testing.T) {
	n := &stuckNode{}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	who, err := trust.New("a secret of the test, long enough for trust", "leader", trust.Node)
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer(grpc.Creds(credentials.NewTLS(who.Server())))
	grpc_health_v1.RegisterHealthServer(srv, n)
	api.RegisterPeerServer(srv, n)
	go func() { _ = srv.Serve(ln) }()
	defer srv.Stop()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, ln.Addr().String())
	}
	conn, err := api.Connect("leader:7400", dial, api.Credentials{TLS: who.Dial()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	to := func(string) (*grpc.ClientConn, error) { return conn, nil }
	p := &Pulse{PulseTiming: PulseTiming{Interval: 20 * time.Millisecond, Timeout: 200 * time.Millisecond, Strikes: 2}, Self: "self", Leader: follower{}.Leader, To: to}
	g := &Gateway{Name: "self", Consensus: follower{}, To: to, Pulse: p}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	defer func() { cancel(); <-done }()
	propose := func() (time.Duration, error) {
		began := time.Now()
		_, err := g.Once(ctx, &api.Command{})
		return time.Since(began), err
	}
	if _, err := propose(); err != nil {
		t.Fatalf("a healthy leader: %v", err)
	}
	n.stuck.Store(true)
	took, err := propose()
	if err == nil || api.Refused(err) || took > limit/2 {
		t.Errorf("a call that the leader had when it got stuck: %v after %v; want unknown, long before %v", err, took, limit)
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
			t.Fatal("a leader that is well again is still taken for dead")
		}
	}
}
