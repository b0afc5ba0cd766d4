package gateway

import (
	"context"
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

// comeBack is when a client may try again that was refused by a starved node.
const comeBack = time.Second

// Admission decides at the door which calls of users are taken on. It refuses
// at once and before any effect, with codes.ResourceExhausted, a Refusal that
// says what there is too little of, and a RetryInfo that says when to try
// again. Health checks and calls between nodes always pass, for without them the
// cluster would be as ill as the node; but not what a gateway brings to a starved
// leader for a user.
type Admission struct {
	Name string // this node
	// User names who calls; nodes are nobody's users, for which it returns "".
	User    func(ctx context.Context) string
	Limits  Limiter
	Shedder Shedder
	// Never switches the defect on by which nothing is ever shed.
	Never bool

	mu      sync.Mutex
	refused map[string]float64 // by why, for the metrics
}

// passes are the services whose calls always do.
var passes = []string{"/mcp.v1.Peer/", "/mcp.v1.Telemetry/", "/mcp.v1.Witness/", "/grpc.health.v1.Health/"}

// Unary is the door for calls of one reply.
func (a *Admission) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	for _, p := range passes {
		if strings.HasPrefix(info.FullMethod, p) {
			return next(ctx, req)
		}
	}
	user := a.User(ctx)
	if user == "" {
		return next(ctx, req)
	}
	if short := a.Shedder.Exhausted(); short != "" && !a.Never {
		return nil, a.refuse("starved", "", "short of "+short, comeBack)
	}
	if over, after := a.Limits.Allow(time.Now(), user); over != "" {
		return nil, a.refuse("limit", "", over, after)
	}
	return next(ctx, req)
}

// relayed decides at the leader's door on what another gateway brings for a user.
func (a *Admission) relayed() error {
	if a == nil || a.Never {
		return nil
	}
	if short := a.Shedder.Exhausted(); short != "" {
		return a.refuse("relayed", a.Name, "short of "+short, comeBack)
	}
	return nil
}

// refuse says why; leader is this node where it is the leader that is short, not the gateway that was called.
func (a *Admission) refuse(why, leader, says string, after time.Duration) error {
	a.mu.Lock()
	if a.refused == nil {
		a.refused = map[string]float64{}
	}
	a.refused[why]++
	a.mu.Unlock()
	st, err := status.Convert(api.Refuse(codes.ResourceExhausted, a.Name, leader, says)).
		WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	if err != nil { // only for codes.OK
		panic(err)
	}
	return st.Err()
}

// Refused counts the calls that were refused, by why: "starved", "limit", or "relayed" for what
// other gateways brought to a starved leader.
func (a *Admission) Refused() map[string]float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]float64{"starved": 0, "limit": 0, "relayed": 0}
	for why, n := range a.refused {
		out[why] = n
	}
	return out
}

// Run looks at the node's processor and memory until ctx ends.
func (a *Admission) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { canary(ctx, &a.Shedder) })
	heap := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		metrics.Read(heap)
		a.Shedder.Remembers(heap[0].Value.Uint64()-heap[1].Value.Uint64(), memoryLimit())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// memoryLimit is what the Go runtime was told it may use (GOMEMLIMIT), 0 when nothing.
func memoryLimit() uint64 {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return uint64(limit)
	}
	return 0
}
