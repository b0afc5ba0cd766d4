package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// When a client suspects a member, and when it returns to it.
const (
	slowAfter      = 500 * time.Millisecond // a member that takes longer to answer is suspected
	healthInterval = 200 * time.Millisecond // between health checks of a suspected member
	healthTimeout  = 500 * time.Millisecond // within which a health check must be answered
)

// Client makes a client that prefers the members of its own region. It suspects a
// member that fails or is slow, uses the next one, and returns when a health check
// shows that the member can read with a majority again. Each client tries members
// in an order of its own, so that clients spread over them.
func (Target) Client(_ context.Context, c *cluster.Cluster, from topology.Region, id int) (workload.Client, error) {
	u := &client{suspects: map[*member]time.Time{}, wake: make(chan struct{}, 1)}
	for _, n := range preferred(c.Topology, from, id) {
		m, err := dialMember(c, from, n)
		if err != nil {
			return nil, errors.Join(err, u.closeConns())
		}
		u.members = append(u.members, m)
	}
	if len(u.members) == 0 {
		return nil, fmt.Errorf("etcd client %d of %s: the topology has no member", id, from)
	}
	ctx, cancel := context.WithCancel(context.Background()) // Close ends it
	u.stop = cancel
	u.healthChecks.Go(func() { u.checkSuspects(ctx) })
	return u, nil
}

// preferred lists the members, those of a region first, each part rotated by the client's id.
func preferred(t topology.Topology, from topology.Region, id int) []topology.NodeID {
	var own, others []topology.NodeID
	for _, n := range t.Nodes {
		if n.Region == from {
			own = append(own, n.ID)
		} else {
			others = append(others, n.ID)
		}
	}
	return append(rotate(own, id), rotate(others, id)...)
}

func rotate(ns []topology.NodeID, by int) []topology.NodeID {
	if len(ns) == 0 {
		return nil
	}
	k := by % len(ns)
	return append(slices.Clone(ns[k:]), ns[:k]...)
}

// client is one simulated user.
type client struct {
	members      []*member // in order of preference
	stop         context.CancelFunc
	healthChecks sync.WaitGroup
	wake         chan struct{} // signals that a member is suspected

	mu       sync.Mutex
	suspects map[*member]time.Time // since when
}

// Do executes one operation on one member, and never retries.
func (u *client) Do(ctx context.Context, op history.Op) history.Op {
	m := u.choose()
	late := time.AfterFunc(slowAfter, func() { u.suspect(m) })
	defer late.Stop()
	op, err := m.do(ctx, op)
	if err != nil && status.Code(err) != codes.InvalidArgument {
		u.suspect(m)
	}
	return op
}

// choose returns the first member that is not suspected, or the one that has been
// suspected for the longest time.
func (u *client) choose() *member {
	u.mu.Lock()
	defer u.mu.Unlock()
	best := u.members[0]
	for _, m := range u.members {
		since, suspected := u.suspects[m]
		if !suspected {
			return m
		}
		if since.Before(u.suspects[best]) {
			best = m
		}
	}
	return best
}

func (u *client) suspect(m *member) {
	u.mu.Lock()
	u.suspects[m] = time.Now()
	u.mu.Unlock()
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// checkSuspects checks the health of suspected members until they serve again.
func (u *client) checkSuspects(ctx context.Context) {
	for {
		again := u.wake
		var later <-chan time.Time
		if ms := u.suspectedMembers(); len(ms) > 0 {
			u.checkHealth(ctx, ms)
			later = time.After(healthInterval)
			again = nil
		}
		select {
		case <-ctx.Done():
			return
		case <-later:
		case <-again:
		}
	}
}

// checkHealth checks some members at the same time, and clears those that serve.
func (u *client) checkHealth(ctx context.Context, ms []*member) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	var all sync.WaitGroup
	for _, m := range ms {
		all.Go(func() {
			if m.checkQuorumRead(ctx) == nil {
				u.clearSuspicion(m)
			}
		})
	}
	all.Wait()
}

func (u *client) suspectedMembers() []*member {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []*member
	for m := range u.suspects {
		out = append(out, m)
	}
	return out
}

func (u *client) clearSuspicion(m *member) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.suspects, m)
}

// Close ends the client.
func (u *client) Close() error {
	u.stop()
	u.healthChecks.Wait()
	return u.closeConns()
}

func (u *client) closeConns() error {
	var errs []error
	for _, m := range u.members {
		errs = append(errs, m.conn.Close())
	}
	return errors.Join(errs...)
}

// Reader makes a client that reads through one member, over the links of that
// member's own region. Linearizable reads wait until the member has applied
// what a majority has agreed on and answer from its own store.
func (Target) Reader(_ context.Context, c *cluster.Cluster, via topology.NodeID) (workload.Client, error) {
	n, ok := c.Topology.Node(via)
	if !ok {
		return nil, fmt.Errorf("etcd reader: no node %s", via)
	}
	m, err := dialMember(c, n.Region, via)
	if err != nil {
		return nil, err
	}
	return reader{m}, nil
}

type reader struct{ *member }

// Do executes one read.
func (r reader) Do(ctx context.Context, op history.Op) history.Op {
	if op.Kind.Class() != history.Reads {
		op.Outcome, op.Error = history.Failed, fmt.Sprintf("a reader cannot %s", op.Kind)
		return op
	}
	op, _ = r.do(ctx, op)
	return op
}

// Close ends the reader.
func (r reader) Close() error { return r.conn.Close() }
