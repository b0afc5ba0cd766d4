package targettest

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

func (s *suite) testRoles(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	leaders, err := s.target.Resolve(ctx, s.cluster, topology.Leader)
	if err != nil || len(leaders) != 1 {
		t.Fatalf("leaders %v, error %v; want exactly one", leaders, err)
	}
	followers, err := s.target.Resolve(ctx, s.cluster, topology.Follower)
	if err != nil {
		t.Fatal(err)
	}
	got := append(leaders, followers...)
	slices.Sort(got)
	var want []topology.NodeID
	for _, n := range s.cluster.Topology.Nodes {
		want = append(want, n.ID)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("leader and followers (-want +got):\n%s", diff)
	}
	if got, err := s.target.Resolve(ctx, s.cluster, "no-such-role"); err == nil {
		t.Errorf("an unknown role resolves to %v", got)
	}
}

// testOperations executes every kind of operation from each region, and reads the
// result from another region.
func (s *suite) testOperations(t *testing.T) {
	regions := s.cluster.Topology.Regions()
	for i, region := range regions {
		own, other := s.client(t, region, i), s.client(t, regions[(i+1)%len(regions)], 100+i)
		key, set := "register."+string(region), "set."+string(region)

		if got := s.mustDo(t, own, history.Op{Kind: history.Read, Key: key}); got.Output != "" {
			t.Errorf("%s: a register never written reads %q", region, got.Output)
		}
		s.mustDo(t, own, history.Op{Kind: history.Write, Key: key, Value: "1"})
		if got := s.mustDo(t, other, history.Op{Kind: history.Read, Key: key}); got.Output != "1" {
			t.Errorf("%s: after writing 1 another region reads %q", region, got.Output)
		}
		if got := s.mustDo(t, own, history.Op{Kind: history.CAS, Key: key, Expect: "0", Value: "2"}); got.Applied {
			t.Errorf("%s: compare-and-set expecting 0 swapped a 1", region)
		}
		if got := s.mustDo(t, other, history.Op{Kind: history.CAS, Key: key, Expect: "1", Value: "2"}); !got.Applied {
			t.Errorf("%s: compare-and-set expecting 1 did not swap a 1", region)
		}
		if got := s.mustDo(t, own, history.Op{Kind: history.Read, Key: key}); got.Output != "2" {
			t.Errorf("%s: after swapping in 2 it reads %q", region, got.Output)
		}
		s.mustDo(t, own, history.Op{Kind: history.Add, Key: set, Value: "b"})
		s.mustDo(t, other, history.Op{Kind: history.Add, Key: set, Value: "a"})
		got := s.mustDo(t, own, history.Op{Kind: history.SetRead, Key: set})
		slices.Sort(got.Set)
		if diff := cmp.Diff([]string{"a", "b"}, got.Set); diff != "" {
			t.Errorf("%s: members (-want +got):\n%s", region, diff)
		}
	}
}

// testUnknownOperation sends an operation that no target has. It must be Failed, not
// Unknown or OK.
func (s *suite) testUnknownOperation(t *testing.T) {
	c := s.client(t, s.cluster.Topology.Regions()[0], 0)
	if got := s.do(c, history.Op{Kind: "no-such-kind", Key: "k"}); got.Outcome != history.Failed || got.Error == "" {
		t.Errorf("an unknown kind of operation is %s (%q); want failed, with the reason", got.Outcome, got.Error)
	}
}

// testReaders writes once and reads through every node.
func (s *suite) testReaders(t *testing.T) {
	c := s.client(t, s.cluster.Topology.Regions()[0], 0)
	s.mustDo(t, c, history.Op{Kind: history.Write, Key: "read-back", Value: "7"})
	s.mustDo(t, c, history.Op{Kind: history.Add, Key: "read-back-set", Value: "7"})
	for _, n := range s.cluster.Topology.Nodes {
		r := s.reader(t, n.ID)
		got := s.mustDo(t, r, history.Op{Kind: history.Read, Key: "read-back"})
		if got.Output != "7" {
			t.Errorf("through %s: read %q, want 7", n.ID, got.Output)
		}
		if got.Node != "" && got.Node != n.ID {
			t.Errorf("a read through %s was answered by %s", n.ID, got.Node)
		}
		if got := s.mustDo(t, r, history.Op{Kind: history.SetRead, Key: "read-back-set"}); !slices.Equal(got.Set, []string{"7"}) {
			t.Errorf("through %s: members %v, want 7 alone", n.ID, got.Set)
		}
	}
}

func (s *suite) client(t *testing.T, from topology.Region, id int) workload.Client {
	t.Helper()
	c, err := s.target.Client(context.Background(), s.cluster, from, id)
	if err != nil {
		t.Fatalf("client in %s: %v", from, err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close client in %s: %v", from, err)
		}
	})
	return c
}

func (s *suite) reader(t *testing.T, via topology.NodeID) workload.Client {
	t.Helper()
	r, err := s.target.Reader(context.Background(), s.cluster, via)
	if err != nil {
		t.Fatalf("reader via %s: %v", via, err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close reader via %s: %v", via, err)
		}
	})
	return r
}

func (s *suite) do(c workload.Client, op history.Op) history.Op {
	ctx, cancel := context.WithTimeout(context.Background(), opTimeout)
	defer cancel()
	return c.Do(ctx, op)
}

// mustDo repeats an operation until it is acknowledged. The kinds that the suite uses
// can be repeated, because a second attempt leads to the same state. A
// compare-and-set that was applied by an attempt of unknown outcome would not apply
// again, so it is repeated only when it provably had no effect.
func (s *suite) mustDo(t *testing.T, c workload.Client, op history.Op) (got history.Op) {
	t.Helper()
	s.await(t, string(op.Kind)+" "+op.Key, func(context.Context) error {
		got = s.do(c, op)
		switch {
		case got.Outcome == history.OK:
			return nil
		case op.Kind == history.CAS && got.Outcome != history.Failed:
			t.Fatalf("cas %s in a cluster without faults: %s (%s)", op.Key, got.Outcome, got.Error)
		}
		return opError{got}
	})
	return got
}

type opError struct{ op history.Op }

func (e opError) Error() string { return string(e.op.Outcome) + ": " + e.op.Error }
