// Package harnesstest holds a system under test of which everything is known:
// a linearizable store within the test's own process that can be silenced for
// an exact time and made to lie. It shows that the engine's figures are true;
// it is no example of a target.
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
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Store is the target. Its nodes, which only take part in links, are
// testnodes. Make one with NewStore for each run.
type Store struct {
	// Forget is a defect: every tenth add is acknowledged and dropped.
	Forget bool
	// Deaf is a node through which reads fail once the store has been silent;
	// empty means none.
	Deaf topology.NodeID
	// Absent is a node through which nothing can ever be read; empty means none.
	Absent topology.NodeID

	mu        sync.Mutex
	registers map[string]string
	sets      map[string][]string
	adds      int
	silent    bool
	turns     []time.Time // begin and end of each silence
}

// NewStore makes an empty store that tells the truth.
func NewStore() *Store {
	return &Store{registers: map[string]string{}, sets: map[string][]string{}}
}

// Name is how plans call it.
func (s *Store) Name() string { return "store" }

// Topology is a testnode in each of three regions, whatever the shape.
func (s *Store) Topology(topology.Spec) (topology.Topology, error) {
	return clustertest.Topology(1), nil
}

// Resolve always fails: a store has no roles.
func (s *Store) Resolve(context.Context, *cluster.Cluster, topology.Role) ([]topology.NodeID, error) {
	return nil, errors.New("a store has no roles")
}

// Client makes a client; its operations take no time.
func (s *Store) Client(context.Context, *cluster.Cluster, topology.Region, int) (workload.Client, error) {
	return client{s, ""}, nil
}

// Reader makes a client that the node's deafness concerns.
func (s *Store) Reader(_ context.Context, _ *cluster.Cluster, via topology.NodeID) (workload.Client, error) {
	return client{s, via}, nil
}

// Silent says whether the store is silenced now.
func (s *Store) Silent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silent
}

// Silenced is how long the first silence lasted; it must be over.
func (s *Store) Silenced() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turns[1].Sub(s.turns[0])
}

func (s *Store) silence(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = silent
	s.turns = append(s.turns, time.Now())
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
	if s.silent || (c.via != "" && (c.via == s.Absent || c.via == s.Deaf && len(s.turns) > 0)) {
		op.Outcome, op.Error = history.Failed, "silent"
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
		if s.adds++; !s.Forget || s.adds%10 != 0 {
			s.sets[op.Key] = append(s.sets[op.Key], op.Value)
		}
	case history.SetRead:
		op.Set = slices.Clone(s.sets[op.Key])
	}
	return op
}
