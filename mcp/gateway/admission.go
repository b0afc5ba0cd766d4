package gateway

import (
	"context"
	"maps"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// retryDelay is how long the client of an overloaded node is asked to wait.
const retryDelay = time.Second

// Admission decides which calls of users a node accepts. It refuses a call at once
// and before any effect, with codes.ResourceExhausted, a Refusal that names the
// missing resource, and a RetryInfo. Health checks and calls between nodes are always
// accepted, because without them an overloaded node would make the cluster
// unhealthy. What a gateway forwards to an overloaded leader for a user is not.
type Admission struct {
	Name string // this node
	// User returns the name of the calling user, or "" if the caller is a node.
	User    func(ctx context.Context) string
	Limits  Limiter
	Shedder Shedder
	Defects Defects

	mu      sync.Mutex
	refused map[string]float64 // by reason, for the metrics
}

// exemptServices are the services whose calls are always accepted.
var exemptServices = []string{"/mcp.v1.Peer/", "/mcp.v1.Telemetry/", "/mcp.v1.Witness/", "/grpc.health.v1.Health/"}

// Unary is the gRPC interceptor that refuses calls.
func (a *Admission) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	for _, p := range exemptServices {
		if strings.HasPrefix(info.FullMethod, p) {
			return next(ctx, req)
		}
	}
	user := a.User(ctx)
	if user == "" {
		return next(ctx, req)
	}
	if resource := a.Defects.shortOf(a.Shedder.Exhausted()); resource != "" {
		return nil, a.refuse(overloaded, "", "short of "+resource, retryDelay)
	}
	if exceeded, after := a.Limits.Allow(time.Now(), user); exceeded != "" {
		return nil, a.refuse(rateLimited, "", exceeded, after)
	}
	return next(ctx, req)
}

// admitForwarded decides on the leader whether to accept what another gateway forwards
// for a user.
func (a *Admission) admitForwarded() error {
	if a == nil {
		return nil
	}
	if resource := a.Defects.shortOf(a.Shedder.Exhausted()); resource != "" {
		return a.refuse(overloadedLeader, a.Name, "short of "+resource, retryDelay)
	}
	return nil
}

// The reasons for which calls are refused, as the metrics name them.
const (
	overloaded       = "overloaded"        // this gateway's node is
	overloadedLeader = "overloaded-leader" // this node leads, and another gateway forwarded the call
	rateLimited      = "rate-limited"
)

// refuse counts a refusal and returns it. leader is this node if the leader is short of
// a resource, and "" if the gateway that was called is.
func (a *Admission) refuse(reason, leader, text string, after time.Duration) error {
	a.mu.Lock()
	if a.refused == nil {
		a.refused = map[string]float64{}
	}
	a.refused[reason]++
	a.mu.Unlock()
	refusal := api.Refuse(codes.ResourceExhausted, a.Name, leader, text)
	st, err := status.Convert(refusal).WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	if err != nil {
		return refusal
	}
	return st.Err()
}

// Refused returns how many calls were refused, by reason.
func (a *Admission) Refused() map[string]float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]float64{overloaded: 0, overloadedLeader: 0, rateLimited: 0}
	maps.Copy(out, a.refused)
	return out
}

// Run observes the node's CPU and memory until ctx ends.
func (a *Admission) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { probeSchedLatency(ctx, &a.Shedder) })
	heap := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		metrics.Read(heap)
		a.Shedder.ObserveMemory(heap[0].Value.Uint64()-heap[1].Value.Uint64(), memoryLimit())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// memoryLimit is the Go runtime's memory limit in bytes (GOMEMLIMIT), or 0 if there is none.
func memoryLimit() uint64 {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return uint64(limit)
	}
	return 0
}
