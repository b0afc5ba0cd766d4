package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// testEventStream subscribes twice, the second time late. Both subscribers must receive
// the same first events, each once.
func (s *suite) testEventStream(t T) {
	first := s.collectEvents(t)
	if len(first) == 0 {
		t.Fatal("a cluster that has started emits no event")
	}
	second := s.collectEvents(t)
	for _, emitted := range [][]string{first, second} {
		sorted := slices.Sorted(slices.Values(emitted))
		if len(slices.Compact(slices.Clone(sorted))) != len(sorted) {
			t.Errorf("an event was emitted twice, among:\n%v", sorted)
		}
	}
	for _, e := range first {
		if !slices.Contains(second, e) {
			t.Errorf("a late subscriber does not receive %s", e)
		}
	}
}

// collectEvents collects events until none has come for a second.
func (s *suite) collectEvents(t T) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	quiet := time.AfterFunc(waitTimeout/2, cancel)
	defer quiet.Stop()
	var mu sync.Mutex
	var emitted []string
	s.target.(targets.EventSource).StreamEvents(ctx, s.cluster, func(wall time.Time, e record.Event) {
		mu.Lock()
		defer mu.Unlock()
		quiet.Reset(time.Second)
		if wall.IsZero() || e.Kind == "" || e.Node == "" || e.Source != record.FromPlatform {
			t.Errorf("event without wall time, kind, node or source: %v %+v", wall, e)
		}
		emitted = append(emitted, fmt.Sprintf("%s %s %s %s", wall.UTC().Format(time.RFC3339Nano), e.Node, e.Kind, e.Description))
	})
	return emitted
}

// testLeaderLoss kills the leader while a client writes.
func (s *suite) testLeaderLoss(t T) {
	s.needsSets(t)
	ctx := context.Background()
	leader := s.leader(t)
	victim, _ := s.cluster.Topology.Node(leader)
	c := s.client(t, s.otherRegion(victim.Region), 0)
	var acked []string
	add := func(v string) {
		s.mustDo(t, c, history.Op{Kind: history.Add, Key: "survivors", Value: v})
		acked = append(acked, v)
	}
	for i := range 20 {
		add(fmt.Sprintf("before%02d", i))
	}
	s.signal(t, leader, cluster.Kill)
	for i := range 20 {
		add(fmt.Sprintf("during%02d", i))
	}
	if now := s.leader(t); now == leader {
		t.Errorf("%s is reported as leader although it is dead", leader)
	}
	if err := s.cluster.Process(leader).Restart(ctx); err != nil {
		t.Fatal(err)
	}
	slices.Sort(acked)
	for _, n := range s.cluster.Topology.DataNodes() {
		got := s.mustDo(t, s.reader(t, n.ID), history.Op{Kind: history.SetRead, Key: "survivors"})
		slices.Sort(got.Set)
		if diff := cmp.Diff(acked, got.Set); diff != "" {
			t.Errorf("members through %s (-want +got):\n%s", n.ID, diff)
		}
	}
}

// testLeaderReturns kills the leader and starts it again: clients are served, and every
// node that holds data shows what they write from then on.
func (s *suite) testLeaderReturns(t T) {
	s.needsSets(t)
	leader := s.leader(t)
	s.signal(t, leader, cluster.Kill)
	if err := s.cluster.Process(leader).Restart(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := s.client(t, s.cluster.Topology.Regions()[0], 0)
	s.mustDo(t, c, history.Op{Kind: history.Add, Key: "returned", Value: "after"})
	for _, n := range s.cluster.Topology.DataNodes() {
		s.awaitMember(t, s.reader(t, n.ID), "returned", "after")
	}
}

// voters are the nodes that count towards a majority. Killing any others proves nothing.
func (s *suite) voters() []topology.Node {
	return slices.DeleteFunc(slices.Clone(s.cluster.Topology.Nodes), func(n topology.Node) bool { return !n.Voter })
}

// testQuorumLoss kills a majority of the nodes, writes, restarts them, and looks for
// writes that were reported as Failed and took effect.
func (s *suite) testQuorumLoss(t T) {
	s.needsSets(t)
	ctx := context.Background()
	nodes := s.voters()
	if len(nodes) < 3 {
		t.Skipf("%d nodes vote, so that a majority is all of them", len(nodes))
	}
	dead := nodes[:len(nodes)/2+1]
	c := s.client(t, nodes[len(nodes)-1].Region, 0)
	s.mustDo(t, c, history.Op{Kind: history.Add, Key: "refused", Value: "whole"})
	for _, n := range dead {
		s.signal(t, n.ID, cluster.Kill)
	}
	var failed []string
	failures := map[history.Outcome]int{}
	s.await(t, "definite refusal without a majority", func(context.Context) error {
		v := fmt.Sprint("cut", failures[history.Failed]+failures[history.Unknown])
		got := s.do(c, history.Op{Kind: history.Add, Key: "refused", Value: v})
		failures[got.Outcome]++
		switch got.Outcome {
		case history.OK:
			t.Fatalf("write acknowledged by %s while %d of %d nodes are dead", got.Node, len(dead), len(nodes))
		case history.Failed:
			failed = append(failed, v)
		}
		if len(failed) < 5 {
			return errors.New("not refused often enough yet")
		}
		return nil
	})
	t.Logf("without a majority: %v", failures)
	for _, n := range dead {
		if err := s.cluster.Process(n.ID).Restart(ctx); err != nil {
			t.Fatal(err)
		}
	}
	s.mustDo(t, c, history.Op{Kind: history.Add, Key: "refused", Value: "whole again"})
	got := s.mustDo(t, s.reader(t, nodes[len(nodes)-1].ID), history.Op{Kind: history.SetRead, Key: "refused"})
	for _, v := range failed {
		if slices.Contains(got.Set, v) {
			t.Errorf("write of %s was reported as Failed and took effect", v)
		}
	}
}

func (s *suite) leader(t T) (leader topology.NodeID) {
	t.Helper()
	s.await(t, "leader", func(ctx context.Context) error {
		got, err := s.target.Resolve(ctx, s.cluster, topology.Leader)
		if err == nil {
			leader = got[0]
		}
		return err
	})
	return leader
}

// otherRegion is another region.
func (s *suite) otherRegion(r topology.Region) topology.Region {
	regions := s.cluster.Topology.Regions()
	return regions[(slices.Index(regions, r)+1)%len(regions)]
}

func (s *suite) signal(t T, n topology.NodeID, sig cluster.Signal) {
	t.Helper()
	p := s.cluster.Process(n)
	if err := p.Signal(context.Background(), sig); err != nil {
		t.Fatal(err)
	}
	s.await(t, string(sig)+" of "+string(n), func(ctx context.Context) error {
		st, err := p.Status(ctx)
		if err == nil && st.State != cluster.Exited {
			err = fmt.Errorf("it is %s", st.State)
		}
		return err
	})
}
