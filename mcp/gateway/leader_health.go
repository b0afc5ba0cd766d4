package gateway

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mcp-resilience/holdfast/internal/broadcast"
)

// HealthCheckTiming is how a gateway checks the leader that it routes to.
type HealthCheckTiming struct {
	Interval time.Duration // between the starts of two checks
	Timeout  time.Duration // of one check
	Strikes  int           // failures in a row after which the leader counts as unresponsive
}

// LeaderHealth checks the health of the leader. Consensus notices a leader that no
// longer reaches its followers, but not one that still leads while its API does not
// answer this gateway. Set the exported fields, then call Run. To a nil LeaderHealth
// every node is responsive.
type LeaderHealth struct {
	HealthCheckTiming
	Self   string
	Leader func() (name string, changed <-chan struct{})
	Conn   func(name string) (*grpc.ClientConn, error)

	mu           sync.Mutex
	unresponsive string // the leader, if it has failed Strikes checks in a row
	changed      broadcast.Signal
}

// Run checks until ctx ends.
func (h *LeaderHealth) Run(ctx context.Context) {
	tick := time.NewTicker(h.Interval)
	defer tick.Stop()
	checked, strikes := "", 0
	for {
		leader, _ := h.Leader()
		if leader != checked {
			checked, strikes = leader, 0
		}
		if leader == "" || leader == h.Self || h.probe(ctx, leader) {
			strikes = 0
			h.setUnresponsive("")
		} else if strikes++; strikes >= h.Strikes && ctx.Err() == nil {
			h.setUnresponsive(leader)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (h *LeaderHealth) probe(ctx context.Context, name string) bool {
	conn, err := h.Conn(name)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	r, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	return err == nil && r.Status == grpc_health_v1.HealthCheckResponse_SERVING
}

func (h *LeaderHealth) setUnresponsive(node string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.unresponsive == node {
		return
	}
	h.unresponsive = node
	h.changed.Broadcast()
}

// Unresponsive reports whether a node fails its health checks, and returns a channel
// that is closed when that may have changed.
func (h *LeaderHealth) Unresponsive(name string) (bool, <-chan struct{}) {
	if h == nil {
		return false, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.unresponsive != "" && h.unresponsive == name, h.changed.Next()
}
