package api

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"
)

// MaxMessage is the largest reply in bytes: a set is answered in one piece.
const MaxMessage = 64 << 20

// DialFunc connects to a logical address such as "north-1:7400".
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Connect makes a connection to a node's API. It reconnects quickly when the node is back,
// retries no call by itself, and tracks what it has sent (see Sent). Connect does not wait
// for the node, which has to prove by its certificate that it is the one named in addr.
func Connect(addr string, dial DialFunc, who Credentials) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+addr,
		grpc.WithContextDialer(func(ctx context.Context, a string) (net.Conn, error) { return dial(ctx, "tcp", a) }),
		who.transport(),
		who.call(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, Jitter: 0.2, MaxDelay: 250 * time.Millisecond},
			MinConnectTimeout: time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 2 * time.Second, PermitWithoutStream: true}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage)),
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithStatsHandler(tracker{}),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(otelgrpc.WithFilter(filters.Not(filters.HealthCheck())))),
	)
}

// Sent records whether a call was handed to a connection, since one that was not can have
// had no effect, and whether an answer has begun.
type Sent struct{ yes, heard atomic.Bool }

// Yes reports whether any part of the call may have left this process.
func (s *Sent) Yes() bool { return s.yes.Load() }

// Heard reports whether the other side has begun to answer, and so is alive.
func (s *Sent) Heard() bool { return s.heard.Load() }

type sentKey struct{}

// WithSent returns a context for one call, and the record of its sending.
func WithSent(ctx context.Context) (context.Context, *Sent) {
	s := new(Sent)
	return context.WithValue(ctx, sentKey{}, s), s
}

// tracker marks a call as sent when its header is handed to a connection, and as answered
// when a header comes back.
type tracker struct{}

func (tracker) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (tracker) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (tracker) HandleConn(context.Context, stats.ConnStats)                       {}

func (tracker) HandleRPC(ctx context.Context, s stats.RPCStats) {
	sent, ok := ctx.Value(sentKey{}).(*Sent)
	if !ok {
		return
	}
	switch s.(type) {
	case *stats.OutHeader:
		sent.yes.Store(true)
	case *stats.InHeader:
		sent.heard.Store(true)
	}
}
