// Package examples is what a team's own specs look like. They run on the first
// runtime that works here, against the reference platform:
//
//	go test ./examples -v                          the specs that code drives
//	HOLDFAST_EXAMPLES=1 go test ./examples -v      and the scenario, which takes half a minute
package examples

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/mcp-resilience/holdfast/faults"
	. "github.com/mcp-resilience/holdfast/harness/drill"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMyPlatform(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "my platform")
}

// A scenario in one call.
var _ = It("survives the loss of its main region", func(ctx SpecContext) {
	if os.Getenv("HOLDFAST_EXAMPLES") == "" {
		Skip("the e2e suite runs this scenario too: set HOLDFAST_EXAMPLES=1 to run it here")
	}
	run := Run(ctx, "lose-main-region") // or the path of a scenario file of your own
	Expect(run).To(RecoverWithin(30 * time.Second))
	Expect(run).To(LoseNothing())
	Expect(run).To(BeLinearizable())
	Expect(run).To(StayAvailable(0.9))
}, SpecTimeout(3*time.Minute), GracePeriod(time.Minute))

// Step by step, with code and assertions in between.
var _ = It("elects another leader when the leader is isolated", func(ctx SpecContext) {
	s := Start(ctx)
	old, err := s.Leader(ctx)
	Expect(err).NotTo(HaveOccurred())

	cut := s.Inject(ctx, &faults.Isolate{}, topology.Selector{Node: old})
	Eventually(s.Leader).WithContext(ctx).WithTimeout(20 * time.Second).ShouldNot(Equal(old))
	Eventually(s.Goodput).WithTimeout(20 * time.Second).Should(BeNumerically(">", 0.95))
	acknowledged := s.Acknowledged()
	Eventually(s.Acknowledged).WithTimeout(10 * time.Second).Should(BeNumerically(">", acknowledged))
	cut.Heal(ctx)

	run := s.Finish(ctx)
	Expect(run).To(RecoverWithin(30 * time.Second))
	Expect(run).To(LoseNothing())
	Expect(run).To(BeLinearizable())
}, SpecTimeout(3*time.Minute), GracePeriod(time.Minute))

// Several faults on one system, each with a verdict of its own.
var _ = Describe("the loss of a follower", Ordered, func() {
	var s *Session
	BeforeAll(func(ctx SpecContext) { s = Start(ctx) }, NodeTimeout(2*time.Minute), GracePeriod(time.Minute))

	DescribeTable("is not noticed by clients elsewhere", func(ctx SpecContext, f faults.Fault) {
		w := s.Window(ctx)
		s.Inject(ctx, f, topology.Selector{Region: "south"}).Heal(ctx)
		run := w.Judge(ctx)
		Expect(run).To(RecoverWithin(30 * time.Second))
		Expect(run).To(LoseNothing())
	},
		Entry("killed", &faults.Kill{}, SpecTimeout(2*time.Minute), GracePeriod(time.Minute)),
		Entry("paused", &faults.Pause{}, SpecTimeout(2*time.Minute), GracePeriod(time.Minute)),
		Entry("isolated", &faults.Isolate{}, SpecTimeout(2*time.Minute), GracePeriod(time.Minute)),
	)
})
