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

// rejections are answers by which a member says that it has not proposed the
// request to the others, so that it can have no effect at any later time.
// etcd's "request timed out", "leader changed" and "server stopped" are not
// among them: they come after the proposal.
var rejections = []error{
	rpctypes.ErrGRPCNoLeader,               // asked for by needLeader; said before the request is looked at
	rpctypes.ErrGRPCRequestTooManyRequests, // too far behind to propose
	rpctypes.ErrGRPCNoSpace,                // said before the proposal, or when it is applied without effect
	rpctypes.ErrGRPCRequestTooLarge,
	rpctypes.ErrGRPCEmptyKey,
	rpctypes.ErrGRPCTooManyOps,
	rpctypes.ErrGRPCDuplicateKey,
	rpctypes.ErrGRPCInvalidClientAPIVersion,
	rpctypes.ErrGRPCNotCapable,
}

// outcome is what is known after an error: a read changes nothing, a request
// that never left neither, nor one that was refused. All else may take effect.
func outcome(k history.Kind, err error, sent bool) history.Outcome {
	if k.Class() == history.Reads || !sent || isRejection(err) {
		return history.Failed
	}
	return history.Unknown
}

// isRejection says whether a member answered with a refusal.
func isRejection(err error) bool {
	said := status.Convert(err).Message()
	return slices.ContainsFunc(rejections, func(r error) bool { return said == rpctypes.ErrorDesc(r) })
}

// errorText is the error without its wrapping.
func errorText(err error) string {
	s := status.Convert(err)
	return s.Code().String() + ": " + s.Message()
}

// sentTracker notes of a call that its request has been handed to a transport,
// without which no server can have seen it. gRPC tells it of each attempt, its
// own transparent ones too, before the call returns.
type sentTracker struct{}

type sentKey struct{}

// trackSent returns a context for one call and the mark that it sets.
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
