// Package conformance is the suite that every target must pass. It tests on a real
// cluster what the engine relies on, and says of each red case what to do about it. Tests
// run it by way of targettest, the command line as "holdfast target check". It injects no
// faults of its own but kills and held links, and judges an adapter, not a system.
package conformance

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/cleanup"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// Run tests a target on a runtime with one topology. It skips the test, and says why,
// where the runtime cannot work.
func Run(t T, target targets.Target, kind cluster.Driver, shape topology.Spec) {
	t.Run("the topology can be started", func(t T) { testTopology(t, target) })
	t.Run("running", func(t T) {
		s := startCluster(t, target, kind, shape)
		// The order matters: all but the last leave a cluster that works.
		t.Run("resolve names one leader, the rest follow", s.testRoles)
		t.Run("a client in each region does every kind of operation", s.testOperations)
		t.Run("operations that cannot mean anything are Failed", s.testUnknownOperation)
		t.Run("a reader at each node sees what was acknowledged", s.testReaders)
		if _, ok := target.(targets.EventSource); ok {
			t.Run("each event is emitted once", s.testEventStream)
		}
		if _, ok := target.(targets.MetricsSource); ok {
			t.Run("every node has figures, and traces go through nodes", s.testMetrics)
		}
		if o, ok := target.(targets.MembershipAdmin); ok {
			t.Run("the operator takes a follower out and puts it in again", func(t T) { s.testMembership(t, o) })
		}
		t.Run("held links make no write Failed that took effect", s.testHeldLinks)
		if s.consistency == targets.Eventual {
			t.Run("clients are served again after the leader was lost", s.testLeaderReturns)
			return
		}
		t.Run("a lost leader is replaced and nothing is lost", s.testLeaderLoss)
		t.Run("without a majority Failed writes have no effect", s.testQuorumLoss)
	})
}

// T is what the suite needs of a test. *testing.T has all of it but Run, whose
// function takes a T here.
type T interface {
	Helper()
	Log(args ...any)
	Logf(format string, args ...any)
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
	Skipf(format string, args ...any)
	Failed() bool
	Cleanup(f func())
	Context() context.Context
	Run(name string, f func(t T)) bool
}

// Timeouts for a broken system. A working one never waits for them.
const (
	startTimeout = 90 * time.Second
	waitTimeout  = 30 * time.Second
	opTimeout    = 2 * time.Second
)

// suite is one cluster under test.
type suite struct {
	target  targets.Target
	cluster *cluster.Cluster
	// consistency is what the system promises.
	consistency targets.Consistency
	kinds       []history.Kind // that the system serves; nil means all
}

func newSuite(target targets.Target, c *cluster.Cluster) *suite {
	s := &suite{target: target, cluster: c, consistency: targets.ConsistencyOf(target)}
	if l, ok := target.(targets.LoadSupporter); ok {
		s.kinds = l.LoadSupport().Kinds
	}
	return s
}

// serves says whether the system has all of these operations.
func (s *suite) serves(kinds ...history.Kind) bool {
	return s.kinds == nil || !slices.ContainsFunc(kinds, func(k history.Kind) bool { return !slices.Contains(s.kinds, k) })
}

// needsSets skips a test of sets where the system has none.
func (s *suite) needsSets(t T) {
	t.Helper()
	if !s.serves(history.Add, history.SetRead) {
		t.Skip("the system has no sets, of which the loss of a write could be told")
	}
}

func startCluster(t T, target targets.Target, kind cluster.Driver, shape topology.Spec) *suite {
	t.Helper()
	if err := kind.Check(t.Context()); err != nil {
		t.Skipf("runtime %s cannot work here: %v", kind.Name, err)
	}
	top, err := target.Topology(shape)
	if err != nil {
		t.Fatal(err)
	}
	run := "check-" + time.Now().UTC().Format("150405.000000000")
	scratch, linkd, log := own(t, run, build.Builder(kind.OS), top)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	spec := cluster.Spec{
		Run: run, Topology: top, Dir: scratch, Binary: build.Builder(kind.OS).Build, Linkd: linkd,
		CleanupLog: log, Secret: cluster.NewSecret(),
	}
	rt, err := kind.Open(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(ctx, rt, spec, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	s := newSuite(target, c)
	t.Cleanup(func() {
		if t.Failed() {
			s.dumpLogs(t)
		}
		if err := c.Close(context.Background()); err != nil {
			t.Errorf("remove the cluster: %v", err)
		}
	})
	s.leader(t)
	return s
}

// own makes this process the owner of the run, with a watchdog that removes everything if the process is
// killed, builds what the run needs, and makes a folder for the nodes. All is over when the test ends.
func own(t T, run string, programs build.Builder, top topology.Topology) (scratch, linkd string, log cluster.CleanupLog) {
	t.Helper()
	owner, err := cleanup.Own(run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := cleanup.SweepScratch(context.Background(), run)
		if err := errors.Join(err, owner.Done()); err != nil {
			t.Error(err)
		}
	})
	if scratch, err = cleanup.Scratch(run); err != nil {
		t.Fatal(err)
	}
	var all []topology.Program
	for _, n := range top.Nodes {
		all = append(all, n.Program)
	}
	built, err := programs.Prepare(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.StartWatchdog(t.Context(), built.Watchdog); err != nil {
		t.Fatal(err)
	}
	return scratch, built.Linkd, owner.Log()
}

// await polls until f succeeds.
func (s *suite) await(t T, what string, f func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	var last error
	for {
		err := f(ctx)
		if err == nil {
			return
		}
		if last == nil || ctx.Err() == nil { // one that was broken off would hide what was missing before
			last = err
		}
		select {
		case <-ctx.Done():
			if t.Context().Err() != nil {
				t.Fatalf("interrupted while waiting for %s: %v", what, last)
			}
			t.Fatalf("no %s within %v: %v", what, waitTimeout, last)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
