package consensus

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/resolver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// group is the configuration of some nodes in this process.
type group struct {
	t       testing.TB
	network string
	peers   map[string]string
	dirs    map[string]string
}

func newGroup(t testing.TB, n int) *group {
	g := &group{t: t, peers: map[string]string{}, dirs: map[string]string{}}
	g.network = fmt.Sprintf("127.%d.%d", 16+rand.IntN(16), rand.IntN(256))
	for i := range n {
		name := fmt.Sprint("n", i+1)
		g.peers[name] = fmt.Sprintf("%s.%d:7401", g.network, i+1)
		g.dirs[name] = t.TempDir()
	}
	return g
}

func (g *group) open(name string) *Node {
	g.t.Helper()
	return g.openWith(name, func(*Config) {})
}

// openWith opens a node with edited settings.
func (g *group) openWith(name string, edit func(*Config)) *Node {
	g.t.Helper()
	cfg := Config{
		Name: name, Addr: g.peers[name], Peers: g.peers, Voters: sorted(g.peers), Dir: g.dirs[name],
		Dial:   func(ctx context.Context, nw, a string) (net.Conn, error) { return resolver.Resolver{}.Dial(ctx, nw, a) },
		Timing: Timing{Heartbeat: 400 * time.Millisecond, Election: 500 * time.Millisecond, Lease: 400 * time.Millisecond, Commit: 10 * time.Millisecond},
		Note:   func(events.Kind, string, map[string]string) {},
		Logger: hclog.NewNullLogger(), SnapshotEvery: 20,
	}
	edit(&cfg)
	n, err := Open(cfg)
	if err != nil {
		g.t.Fatal(err)
	}
	return n
}

func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

func leaderOf(t testing.TB, nodes ...*Node) (leader *Node) {
	t.Helper()
	await(t, "a leader", func() bool {
		for _, n := range nodes {
			if _, ok := n.Leads(); ok {
				leader = n
			}
		}
		return leader != nil
	})
	return leader
}

func write(i int) *api.Command {
	return &api.Command{Id: fmt.Sprint(i), Do: &api.Command_Write{Write: &api.WriteRequest{Key: "x", Value: fmt.Sprint(i)}}}
}

func propose(t *testing.T, n *Node, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if _, err := n.Propose(t.Context(), write(i)); err != nil {
			t.Fatalf("propose %d: %v", i, err)
		}
	}
}

func closed(t testing.TB, nodes ...*Node) {
	t.Helper()
	for _, n := range nodes {
		if err := n.Close(); err != nil {
			t.Errorf("close %s: %v", n.cfg.Name, err)
		}
	}
}

func TestARestartContinuesFromSnapshotAndLog(t *testing.T) {
	g := newGroup(t, 1)
	n := g.open("n1")
	leaderOf(t, n)
	propose(t, n, 0, 50)
	if err := n.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	propose(t, n, 50, 60)
	want, _ := n.State().Read("x")
	closed(t, n)

	n = g.open("n1")
	defer closed(t, n)
	leaderOf(t, n)
	if got, _ := n.State().Read("x"); got != want || got != "59" {
		t.Errorf("after a restart x is %q, before it was %q, want 59", got, want)
	}
	a, err := n.Propose(t.Context(), write(7))
	if err != nil || !a.Duplicate {
		t.Errorf("a retry across restart answered %v, %v; want a duplicate", a, err)
	}
}

func TestANodeThatLostItsDiskIsSentASnapshot(t *testing.T) {
	g := newGroup(t, 3)
	nodes := map[string]*Node{}
	for name := range g.peers {
		nodes[name] = g.open(name)
	}
	leader := leaderOf(t, nodes["n1"], nodes["n2"], nodes["n3"])
	victim := "n1"
	if leader.cfg.Name == victim {
		victim = "n2"
	}
	propose(t, leader, 0, 10)
	closed(t, nodes[victim])
	if err := os.RemoveAll(g.dirs[victim]); err != nil {
		t.Fatal(err)
	}
	for i := range 3 { // the second and third cut the log behind the one before
		propose(t, leader, 100+100*i, 200+100*i)
		if err := leader.raft.Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
	}
	if first, err := leader.log.FirstIndex(); err != nil || first == 1 {
		t.Fatalf("the leader's log begins at %d (%v): it could send entries instead", first, err)
	}
	nodes[victim] = g.open(victim)
	index, _, err := leader.ReadIndex(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := nodes[victim].WaitApplied(t.Context(), index); err != nil {
		t.Fatal(err)
	}
	if got, _ := nodes[victim].State().Read("x"); got != "399" {
		t.Errorf("%s reads %q, want 399", victim, got)
	}
	closed(t, nodes["n1"], nodes["n2"], nodes["n3"])
}

func TestRefusals(t *testing.T) {
	g := newGroup(t, 3)
	lone := g.open("n1")
	_, err := lone.Propose(t.Context(), write(1))
	if !api.Refused(err) {
		t.Errorf("without a majority: %v, want a refusal", err)
	}
	if _, _, err := lone.ReadIndex(t.Context()); !api.Refused(err) {
		t.Errorf("read index without a majority: %v, want a refusal", err)
	}
	other := g.open("n2")
	leader := leaderOf(t, lone, other)
	leader.inflight.block()
	if _, err := leader.Propose(t.Context(), write(1)); !api.Refused(err) {
		t.Errorf("during a leadership transfer: %v, want a refusal", err)
	}
	leader.inflight.unblock()
	propose(t, leader, 1, 2)

	// A proposal whose followers are gone was appended: that is no refusal.
	follower := lone
	if leader == lone {
		follower = other
	}
	closed(t, follower)
	if _, ok := leader.Leads(); ok {
		if _, err := leader.Propose(t.Context(), write(2)); err == nil || (api.Refused(err) && leader.raft.LastIndex() > leader.raft.CommitIndex()) {
			t.Errorf("with the majority gone after it was appended: %v, want an unknown outcome", err)
		}
	}
	closed(t, leader)
}

func TestLeadershipIsTransferredToTheNamedNode(t *testing.T) {
	g := newGroup(t, 3)
	var nodes []*Node
	for _, name := range sorted(g.peers) {
		nodes = append(nodes, g.open(name))
	}
	defer closed(t, nodes...)
	leader := leaderOf(t, nodes...)
	propose(t, leader, 0, 5)
	for _, to := range nodes {
		if to == leader {
			continue
		}
		if err := leader.TransferLeadership(t.Context(), to.cfg.Name); err != nil {
			t.Fatalf("transfer leadership to %s: %v", to.cfg.Name, err)
		}
		await(t, to.cfg.Name+" to lead", func() bool {
			_, ok := to.Leads()
			return ok
		})
		leader = to
	}
	var got []string
	for _, n := range nodes {
		await(t, n.cfg.Name+" to follow", func() bool {
			l, _ := n.Leader()
			return l == leader.cfg.Name
		})
		l, _ := n.Leader()
		got = append(got, l)
	}
	if diff := cmp.Diff([]string{leader.cfg.Name, leader.cfg.Name, leader.cfg.Name}, got); diff != "" {
		t.Errorf("leader as seen by each (-want +got):\n%s", diff)
	}
}
