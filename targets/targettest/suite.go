// Package targettest is the conformance suite of targets. It tests on a real cluster
// what the engine relies on. The test of a new target is one call of Run for each
// runtime that it supports.
package targettest

import (
	"context"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// Run tests a target on a runtime with one topology. It skips the test, and says why,
// where the runtime cannot work.
func Run(t *testing.T, target targets.Target, kind cluster.Driver, shape topology.Spec) {
	t.Run("topology", func(t *testing.T) { testTopology(t, target) })
	t.Run("running", func(t *testing.T) {
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
			t.Run("the operator takes a follower out and puts it in again", func(t *testing.T) { s.testMembership(t, o) })
		}
		t.Run("held links make no write Failed that took effect", s.testHeldLinks)
		t.Run("a lost leader is replaced and nothing is lost", s.testLeaderLoss)
		t.Run("without a majority Failed writes have no effect", s.testQuorumLoss)
	})
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
}

func startCluster(t *testing.T, target targets.Target, kind cluster.Driver, shape topology.Spec) *suite {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := kind.Check(ctx); err != nil {
		t.Skipf("runtime %s cannot work here: %v", kind.Name, err)
	}
	top, err := target.Topology(shape)
	if err != nil {
		t.Fatal(err)
	}
	programs := build.Builder(kind.OS)
	linkd, err := programs.Linkd(ctx)
	if err != nil {
		t.Fatal(err)
	}
	spec := cluster.Spec{
		Run: "targettest-" + time.Now().UTC().Format("150405.000000000"), Topology: top,
		Dir: t.TempDir(), Binary: programs.Build, Linkd: linkd, CleanupLog: discardLog{}, Secret: cluster.NewSecret(),
	}
	rt, err := kind.Open(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(ctx, rt, spec, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{target, c}
	t.Cleanup(func() {
		if t.Failed() {
			s.dumpLogs(t)
		}
		if err := c.Close(context.Background()); err != nil {
			t.Errorf("remove the cluster: %v", err)
		}
	})
	s.await(t, "a leader", func(ctx context.Context) error {
		_, err := target.Resolve(ctx, c, topology.Leader)
		return err
	})
	return s
}

// discardLog is the clean-up log of a test that removes everything itself.
type discardLog struct{}

func (discardLog) Append(cluster.CleanupEntry) error { return nil }

// await polls until f succeeds.
func (s *suite) await(t *testing.T, what string, f func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	for {
		err := f(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no %s within %v: %v", what, waitTimeout, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
