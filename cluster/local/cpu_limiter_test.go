package local_test

import (
	"context"
	"slices"
	"testing"

	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/cluster/local"
)

// Where no cgroup can be made the node is stopped and resumed in turn.
func TestThrottleWithoutCgroups(t *testing.T) {
	t.Setenv("HOLDFAST_CGROUPS", "off")
	clustertest.Throttle(t, local.Driver(), func(ctx context.Context, run string) ([]string, error) {
		runs, err := local.Runs(ctx)
		return slices.DeleteFunc(runs, func(r string) bool { return r != run }), err
	})
}
