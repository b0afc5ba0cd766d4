// Package targettest runs the conformance suite of targets in a test. The test of a new
// target is one call of Run for each runtime that it supports.
package targettest

import (
	"testing"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/conformance"
	"github.com/mcp-resilience/holdfast/topology"
)

// Run tests a target on a runtime with one topology. It skips the test, and says why,
// where the runtime cannot work.
func Run(t *testing.T, target targets.Target, kind cluster.Driver, shape topology.Spec) {
	conformance.Run(suiteT{t}, target, kind, shape)
}

// suiteT is a test as the suite sees it.
type suiteT struct{ *testing.T }

// Run implements conformance.T.
func (t suiteT) Run(name string, f func(conformance.T)) bool {
	return t.T.Run(name, func(t *testing.T) { f(suiteT{t}) })
}
