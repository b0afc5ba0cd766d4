package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// MembershipAdmin changes who belongs to the system, by the system's own means, as the
// people who run it would. It is the target's, see targets.MembershipAdmin. Each
// method may be repeated: repeating one that succeeded changes nothing.
type MembershipAdmin interface {
	// Remove ends a node's membership. It returns once the system has agreed.
	Remove(ctx context.Context, id topology.NodeID) error
	// Add begins it. The node may need a while from then on to catch up.
	Add(ctx context.Context, id topology.NodeID) error
	// IsMember says whether a node belongs to the system in full: it answers, has
	// caught up, and votes if it is to.
	IsMember(ctx context.Context, id topology.NodeID) (bool, error)
}

// Membership is the target's MembershipAdmin; the error is Unsupported where it has none.
func (c *Cluster) Membership() (MembershipAdmin, error) {
	if c.MembershipAdmin == nil {
		return nil, Unsupported{Reason: "the target has no membership admin, so no fault can change which nodes belong to the system"}
	}
	return c.MembershipAdmin, nil
}

// memberships counts the removals of each node that are under way.
type memberships struct {
	mu  sync.Mutex
	out map[topology.NodeID]*membership
}

type membership struct {
	mu  sync.Mutex // also held while the system is changed
	out int
}

func (s *memberships) of(id topology.NodeID) *membership {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		s.out = map[topology.NodeID]*membership{}
	}
	if s.out[id] == nil {
		s.out[id] = &membership{}
	}
	return s.out[id]
}

// retryInterval is the pause before a system that refused a change of membership
// is asked again, for an election may be under way; retryTimeout is for how long.
const (
	retryInterval = 100 * time.Millisecond
	retryTimeout  = 20 * time.Second
)

// RemoveMember ends a node's membership until the returned readmit. Faults overlap and
// heal in any order, so the node is a member again when the last of them has
// readmitted it. Readmit may be called again after an error; after success it
// does nothing.
func (c *Cluster) RemoveMember(ctx context.Context, id topology.NodeID) (readmit func(context.Context) error, err error) {
	o, err := c.Membership()
	if err != nil {
		return nil, err
	}
	s := c.memberships.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == 0 {
		if err := retry(ctx, id, o.Remove); err != nil {
			undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
			defer cancel()
			// What failed may have taken effect.
			if uerr := retry(undo, id, o.Add); uerr != nil {
				err = fmt.Errorf("%w (and adding it again: %v)", err, uerr)
			}
			return nil, fmt.Errorf("remove %s from the system: %w", id, err)
		}
	}
	s.out++
	counted, done := true, false
	return func(ctx context.Context) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if done {
			return nil
		}
		if counted {
			s.out--
			counted = false
		}
		if s.out == 0 {
			if err := retry(ctx, id, o.Add); err != nil {
				return fmt.Errorf("add %s to the system again: %w", id, err)
			}
		}
		done = true
		return nil
	}, nil
}

// retry repeats a change that the system refuses, which it may accept later.
func retry(ctx context.Context, id topology.NodeID, do func(context.Context, topology.NodeID) error) error {
	ctx, cancel := context.WithTimeout(ctx, retryTimeout)
	defer cancel()
	for {
		err := do(ctx, id)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-time.After(retryInterval):
		}
	}
}
