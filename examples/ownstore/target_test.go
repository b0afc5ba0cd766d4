package ownstore_test

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/examples/ownstore"
	"github.com/mcp-resilience/holdfast/harness/drill"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets/targettest"
	"github.com/mcp-resilience/holdfast/topology"
)

// The adapter does what the engine takes for granted.
func TestConformance(t *testing.T) {
	targettest.Run(t, ownstore.Target{}, local.Driver(), topology.Spec{})
}

func TestDrills(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "ownstore")
}

// lose kills the region that all clients prefer.
func lose(ctx SpecContext, opts ...drill.Option) *drill.Result {
	return drill.Run(ctx, "lose-a-region.yaml", append(opts, drill.Against(ownstore.Target{}), drill.Runs(GinkgoT().TempDir()))...)
}

var limits = []any{SpecTimeout(2 * time.Minute), GracePeriod(time.Minute)}

// The database keeps its promises while a region is gone.
var _ = It("survives the loss of a region", func(ctx SpecContext) {
	run := lose(ctx, drill.On("local"))
	Expect(run).To(drill.RecoverWithin(30 * time.Second))
	Expect(run).To(drill.LoseNothing())
	Expect(run).To(drill.BeLinearizable())
}, limits)

// What takes longer runs on request: HOLDFAST_EXAMPLES=1.
var _ = Describe("on request", func() {
	BeforeEach(func() {
		if os.Getenv("HOLDFAST_EXAMPLES") == "" {
			Skip("set HOLDFAST_EXAMPLES=1 to run it")
		}
	})
	It("survives it in containers, too", func(ctx SpecContext) {
		Expect(lose(ctx, drill.On("docker"))).To(drill.Pass())
	}, limits)
	It("is found out when it acknowledges without asking the others", func(ctx SpecContext) {
		run := lose(ctx, drill.On("local"), drill.With(func(s *scenarios.Scenario) { s.Topology.Defects = []string{"alone"} }))
		Expect(run).NotTo(drill.BeLinearizable())
		Expect(run).To(drill.HaveVerdict(record.Fail))
	}, limits)
})
