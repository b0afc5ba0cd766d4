package mcp_test

import (
	"os"
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
		name    string
		shape   topology.Spec
		nightly bool // larger shapes mostly repeat what the smallest has shown
	}{
		{"one node a region", topology.Spec{}, false},
		{"three nodes a region", topology.Spec{Nodes: 3}, true},
		{"five nodes a region", topology.Spec{Nodes: 5}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.nightly && os.Getenv("HOLDFAST_NIGHTLY") != "1" {
				t.Skip("make nightly runs it")
			}
			targettest.Run(t, mcp.Target{}, local.Driver(), tc.shape)
		})
	}
}
