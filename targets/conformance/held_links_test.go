package conformance

import (
	"context"
	"testing"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/examples/ownstore"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// certain is a target that calls every write Failed of which it has no answer.
type certain struct{ targets.Target }

func (c certain) Client(ctx context.Context, on *cluster.Cluster, from topology.Region, id int) (workload.Client, error) {
	inner, err := c.Target.Client(ctx, on, from, id)
	return certainClient{inner}, err
}

type certainClient struct{ workload.Client }

func (c certainClient) Do(ctx context.Context, op history.Op) history.Op {
	got := c.Client.Do(ctx, op)
	if got.Outcome == history.Unknown {
		got.Outcome = history.Failed
	}
	return got
}

// TestATimeOutThatIsCalledFailedIsFoundOut keeps the suite honest: on one cluster the honest adapter passes
// and the one that calls a time-out Failed does not, in either direction.
func TestATimeOutThatIsCalledFailedIsFoundOut(t *testing.T) {
	s := startCluster(testingT{t}, ownstore.Target{}, local.Driver(), topology.Spec{})
	lying := newSuite(certain{s.target}, s.cluster)
	for _, d := range []topology.Direction{topology.Downstream, topology.BothWays} {
		if w := s.writeWhileHeld(testingT{t}, "honest-"+string(d), d); len(w.refuted) > 0 || w.appeared == 0 {
			t.Errorf("%s: an honest adapter has %+v; want writes that appeared, and none that was called Failed", d, w)
		}
		if w := lying.writeWhileHeld(testingT{t}, "lying-"+string(d), d); len(w.refuted) == 0 {
			t.Errorf("%s: an adapter that calls every time-out Failed is not found out: %+v", d, w)
		}
	}
}

// testingT is a test of package testing.
type testingT struct{ *testing.T }

func (t testingT) Run(name string, f func(T)) bool {
	return t.T.Run(name, func(t *testing.T) { f(testingT{t}) })
}
