// Package harnesstest holds a system under test of which everything is known:
// a linearizable store within the test's own process that can be made to fail
// for an exact time and to lose what it acknowledged. It shows that the
// engine's figures are true; it is no example of a target.
package harnesstest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Store is the target. Its nodes, which only take part in links, are
// testnodes. Make one with NewStore for each run.
type Store struct {
	// DropsAdds is a defect: every tenth add is acknowledged and dropped.
	DropsAdds bool
	// ReordersAppends is a defect: every tenth value that is appended to a list is put before the one before it.
	ReordersAppends bool
	// DropsAppends is a defect: every tenth append is acknowledged and dropped.
	DropsAppends bool
	// Unreadable is a node through which reads fail once the store has been down;
	// empty means none.
	Unreadable topology.NodeID
	// NeverServing is a node through which nothing can ever be read; empty means none.
	NeverServing topology.NodeID
	// Leads is the node that has the role of leader; empty means that the store has no roles.
	Leads topology.NodeID

	mu        sync.Mutex
	registers map[string]string
	sets      map[string][]string
	lists     map[string][]string
	appends   int
	adds      int
	dropping  bool
	down      bool
	changes   []time.Time // begin and end of each outage
}

// NewStore makes an empty store without a defect.
func NewStore() *Store {
	return &Store{registers: map[string]string{}, sets: map[string][]string{}, lists: map[string][]string{}}
}

// Name is how plans call it.
func (s *Store) Name() string { return "store" }

// Topology is a testnode in each of three regions, whatever is asked for.
func (s *Store) Topology(topology.Spec) (topology.Topology, error) {
	return clustertest.Topology(1), nil
}

// Resolve knows the leader, if there is one; the other nodes follow.
func (s *Store) Resolve(_ context.Context, c *cluster.Cluster, r topology.Role) ([]topology.NodeID, error) {
	switch {
	case s.Leads == "":
		return nil, errors.New("a store has no roles")
	case r == topology.Leader:
		return []topology.NodeID{s.Leads}, nil
	}
	var out []topology.NodeID
	for _, n := range c.Topology.Nodes {
		if n.ID != s.Leads {
			out = append(out, n.ID)
		}
	}
	return out, nil
}

// LoadSupport is lists, beside registers and sets.
func (s *Store) LoadSupport() targets.LoadSupport { return targets.LoadSupport{Lists: true} }

// append appends to a list, unless a defect has it otherwise.
func (s *Store) append(op history.Op) {
	s.appends++
	list, tenth := s.lists[op.Key], s.appends%10 == 0
	switch {
	case s.DropsAppends && tenth:
	case s.ReordersAppends && tenth && len(list) > 0:
		s.lists[op.Key] = slices.Insert(list, len(list)-1, op.Value)
	default:
		s.lists[op.Key] = append(list, op.Value)
	}
}

// Client makes a client; its operations take no time.
func (s *Store) Client(context.Context, *cluster.Cluster, topology.Region, int) (workload.Client, error) {
	return client{s, ""}, nil
}

// Reader makes a client that fails where its node cannot be read.
func (s *Store) Reader(_ context.Context, _ *cluster.Cluster, via topology.NodeID) (workload.Client, error) {
	return client{s, via}, nil
}

// Down reports whether the store fails every operation now.
func (s *Store) Down() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

// OutageLength is how long the first outage lasted; it must be over.
func (s *Store) OutageLength() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes[1].Sub(s.changes[0])
}

// DropAdds makes the store acknowledge every add and drop it, until it is
// called with false.
func (s *Store) DropAdds(dropping bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropping = dropping
}

func (s *Store) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
	s.changes = append(s.changes, time.Now())
}

type client struct {
	*Store
	via topology.NodeID
}

func (c client) Close() error { return nil }

func (c client) Do(_ context.Context, op history.Op) history.Op {
	s := c.Store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down || (c.via != "" && (c.via == s.NeverServing || c.via == s.Unreadable && len(s.changes) > 0)) {
		op.Outcome, op.Error = history.Failed, "down"
		return op
	}
	op.Outcome = history.OK
	switch op.Kind {
	case history.Read:
		op.Output = s.registers[op.Key]
	case history.Write:
		s.registers[op.Key] = op.Value
	case history.CAS:
		if op.Applied = s.registers[op.Key] == op.Expect; op.Applied {
			s.registers[op.Key] = op.Value
		}
	case history.Add:
		if s.adds++; !s.dropping && (!s.DropsAdds || s.adds%10 != 0) {
			s.sets[op.Key] = append(s.sets[op.Key], op.Value)
		}
	case history.SetRead:
		op.Set = slices.Clone(s.sets[op.Key])
	case history.Append:
		s.append(op)
	case history.ListRead:
		op.Set = slices.Clone(s.lists[op.Key])
	}
	return op
}
