package conformance

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

func (s *suite) testRoles(t T) {
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
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
	for _, n := range s.cluster.Topology.DataNodes() {
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

// testOperations executes every kind of operation that the system serves from each region,
// and reads the result from another region.
func (s *suite) testOperations(t T) {
	regions := s.cluster.Topology.Regions()
	for i, region := range regions {
		own, other := s.client(t, region, i), s.client(t, regions[(i+1)%len(regions)], 100+i)
		if s.serves(history.Write, history.Read) {
			s.testRegister(t, "register."+string(region), own, other)
		}
		if s.serves(history.Add, history.SetRead) {
			set := "set." + string(region)
			s.mustDo(t, own, history.Op{Kind: history.Add, Key: set, Value: "b"})
			s.mustDo(t, other, history.Op{Kind: history.Add, Key: set, Value: "a"})
			s.awaitMember(t, own, set, "a")
			s.awaitMember(t, own, set, "b")
		}
	}
}

func (s *suite) testRegister(t T, key string, own, other workload.Client) {
	t.Helper()
	if got := s.mustDo(t, own, history.Op{Kind: history.Read, Key: key}); got.Output != "" {
		t.Errorf("%s: a register never written reads %q", key, got.Output)
	}
	s.mustDo(t, own, history.Op{Kind: history.Write, Key: key, Value: "1"})
	s.awaitValue(t, other, key, "1")
	if !s.serves(history.CAS) {
		return
	}
	if got := s.mustDo(t, own, history.Op{Kind: history.CAS, Key: key, Expect: "0", Value: "2"}); got.Applied {
		t.Errorf("%s: compare-and-set expecting 0 swapped a 1", key)
	}
	if got := s.mustDo(t, other, history.Op{Kind: history.CAS, Key: key, Expect: "1", Value: "2"}); !got.Applied {
		t.Errorf("%s: compare-and-set expecting 1 did not swap a 1", key)
	}
	s.awaitValue(t, own, key, "2")
}

// awaitValue reads a register, which must hold the value: at once, or in the end where the
// system promises no more.
func (s *suite) awaitValue(t T, c workload.Client, key, want string) {
	t.Helper()
	s.shows(t, c, history.Op{Kind: history.Read, Key: key}, want, func(got history.Op) bool { return got.Output == want })
}

// awaitMember is awaitValue for an element of a set.
func (s *suite) awaitMember(t T, c workload.Client, set, want string) {
	t.Helper()
	s.shows(t, c, history.Op{Kind: history.SetRead, Key: set}, want, func(got history.Op) bool { return slices.Contains(got.Set, want) })
}

func (s *suite) shows(t T, c workload.Client, read history.Op, want string, does func(history.Op) bool) {
	t.Helper()
	if s.consistency == targets.Linearizable {
		if got := s.mustDo(t, c, read); !does(got) {
			t.Errorf("%s of %s gave %q%v, without the %s that was acknowledged before. If replication is asynchronous, say so: consistency eventual", read.Kind, read.Key, got.Output, got.Set, want)
		}
		return
	}
	s.await(t, fmt.Sprintf("%s of %s with %s", read.Kind, read.Key, want), func(context.Context) error {
		if got := s.mustDo(t, c, read); !does(got) {
			return fmt.Errorf("it gave %q%v", got.Output, got.Set)
		}
		return nil
	})
}

// testUnknownOperation sends an operation that no target has. It must be Failed, not
// Unknown or OK.
func (s *suite) testUnknownOperation(t T) {
	c := s.client(t, s.cluster.Topology.Regions()[0], 0)
	if got := s.do(c, history.Op{Kind: "no-such-kind", Key: "k"}); got.Outcome != history.Failed || got.Error == "" {
		t.Errorf("an unknown kind of operation is %s (%q); want failed, with the reason", got.Outcome, got.Error)
	}
}

// testReaders writes once and reads through every node that holds data.
func (s *suite) testReaders(t T) {
	c := s.client(t, s.cluster.Topology.Regions()[0], 0)
	registers, sets := s.serves(history.Write, history.Read), s.serves(history.Add, history.SetRead)
	if registers {
		s.mustDo(t, c, history.Op{Kind: history.Write, Key: "read-back", Value: "7"})
	}
	if sets {
		s.mustDo(t, c, history.Op{Kind: history.Add, Key: "read-back-set", Value: "7"})
	}
	for _, n := range s.cluster.Topology.DataNodes() {
		r := s.reader(t, n.ID)
		if registers {
			s.awaitValue(t, r, "read-back", "7")
			if got := s.mustDo(t, r, history.Op{Kind: history.Read, Key: "read-back"}); got.Node != "" && got.Node != n.ID {
				t.Errorf("a read through %s was answered by %s", n.ID, got.Node)
			}
		}
		if sets {
			s.awaitMember(t, r, "read-back-set", "7")
		}
	}
}

func (s *suite) client(t T, from topology.Region, id int) workload.Client {
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

func (s *suite) reader(t T, via topology.NodeID) workload.Client {
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
func (s *suite) mustDo(t T, c workload.Client, op history.Op) (got history.Op) {
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
