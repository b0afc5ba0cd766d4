package faults_test

import (
	"testing"

	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/faults/faultstest"
)

// BenchmarkProofs measures how long each fault takes from its injection being
// confirmed to its proofs.
func BenchmarkProofs(b *testing.B) {
	b.Run("local", func(b *testing.B) { faultstest.BenchmarkProofs(b, local.Driver()) })
	b.Run("docker", func(b *testing.B) {
		k := docker.Driver()
		if err := k.Check(b.Context()); err != nil {
			b.Skip(err)
		}
		faultstest.BenchmarkProofs(b, k)
	})
}
