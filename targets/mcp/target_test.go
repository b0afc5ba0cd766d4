package mcp_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/targets/mcp"
	"github.com/mcp-resilience/holdfast/targets/targettest"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOnTheLocalRuntime(t *testing.T) {
	for _, tc := range []struct {
		name  string
		shape topology.Spec
	}{
		{"one node a region", topology.Spec{}},
		{"three nodes a region", topology.Spec{Nodes: 3}},
		{"five nodes a region", topology.Spec{Nodes: 5}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			targettest.Run(t, mcp.Target{}, local.Driver(), tc.shape)
		})
	}
}
