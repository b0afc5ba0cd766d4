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

// How a client leaves a member and comes back to it.
const (
	slowAfter      = 500 * time.Millisecond // an answer that takes longer makes a member doubtful
	healthInterval = 200 * time.Millisecond // a doubtful member is asked again
	healthTimeout  = 500 * time.Millisecond // and must answer within
)

// Client makes a client that uses the members of its own region first. It
// leaves a member that fails or is slow for the next one, and comes back when
// that can read with a majority again, as a client behind health checks does.
// Members are tried in an order of its own, so that clients spread.
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

// preferred lists the members, those of a region first, each part turned by the client's id.
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

// client is a simulated user.
type client struct {
	members      []*member // in order of preference
	stop         context.CancelFunc
	healthChecks sync.WaitGroup
	wake         chan struct{} // there is a doubt

	mu       sync.Mutex
	suspects map[*member]time.Time // since when
}

// Do carries out one operation on one member, once.
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

// choose returns the first member that is in no doubt, or else the one that
// has been so for longest.
func (u *client) choose() *member {
	u.mu.Lock()
	defer u.mu.Unlock()
	best := u.members[0]
	for _, m := range u.members {
		since, doubtful := u.suspects[m]
		if !doubtful {
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

// checkSuspects asks the members in doubt until they serve.
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

// checkHealth asks some members at once and trusts those that serve.
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

// Do carries out one read.
func (r reader) Do(ctx context.Context, op history.Op) history.Op {
	if op.Kind.Class() != history.Reads {
		op.Outcome, op.Error = history.Failed, fmt.Sprintf("a reader does not %s", op.Kind)
		return op
	}
	op, _ = r.do(ctx, op)
	return op
}

// Close ends the reader.
func (r reader) Close() error { return r.conn.Close() }
