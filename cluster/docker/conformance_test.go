package docker_test

import (
	"testing"

	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/cluster/docker"
)

func TestConformance(t *testing.T) {
	needEngine(t)
	clustertest.Conformance(t, docker.Driver(), docker.Leftovers)
}
