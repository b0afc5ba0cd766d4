package etcd

import (
	"context"
	"slices"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/history"
)

// rejections are errors that a member returns before it proposes a request to the
// others, so that the request can never take effect. etcd's "request timed out",
// "leader changed" and "server stopped" are not among them, because they can follow
// a proposal.
var rejections = []error{
	rpctypes.ErrGRPCNoLeader,               // requested by needLeader, and checked before the request
	rpctypes.ErrGRPCRequestTooManyRequests, // too far behind to propose
	rpctypes.ErrGRPCNoSpace,                // before the proposal, or when it is applied without effect
	rpctypes.ErrGRPCRequestTooLarge,
	rpctypes.ErrGRPCEmptyKey,
	rpctypes.ErrGRPCTooManyOps,
	rpctypes.ErrGRPCDuplicateKey,
	rpctypes.ErrGRPCInvalidClientAPIVersion,
	rpctypes.ErrGRPCNotCapable,
}

// outcome is what is known after an error. A read, a request that was never sent and
// a request that was rejected have no effect; any other may still take effect.
func outcome(k history.Kind, err error, sent bool) history.Outcome {
	if k.Class() == history.Reads || !sent || isRejection(err) {
		return history.Failed
	}
	return history.Unknown
}

// isRejection says whether a member rejected the request.
func isRejection(err error) bool {
	message := status.Convert(err).Message()
	return slices.ContainsFunc(rejections, func(r error) bool { return message == rpctypes.ErrorDesc(r) })
}

// errorText is the code and the message of a gRPC error.
func errorText(err error) string {
	s := status.Convert(err)
	return s.Code().String() + ": " + s.Message()
}

// sentTracker records that the request of a call was handed to a transport. Before
// that no server can have received it. gRPC reports each attempt, its transparent
// retries included, before the call returns.
type sentTracker struct{}

type sentKey struct{}

// trackSent returns a context for one call, and the flag that is set when its request is sent.
func trackSent(ctx context.Context) (context.Context, *atomic.Bool) {
	sent := new(atomic.Bool)
	return context.WithValue(ctx, sentKey{}, sent), sent
}

func (sentTracker) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (sentTracker) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.OutPayload); !ok {
		return
	}
	if sent, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
		sent.Store(true)
	}
}

func (sentTracker) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (sentTracker) HandleConn(context.Context, stats.ConnStats)                       {}
