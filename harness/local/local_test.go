package local_test

import (
	"context"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/harness/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/harness/local"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLocalConforms(t *testing.T) {
	clustertest.Conformance(t, local.Kind(), func(ctx context.Context, run string) ([]string, error) {
		runs, err := local.Runs(ctx)
		return slices.DeleteFunc(runs, func(r string) bool { return r != run }), err
	})
}
