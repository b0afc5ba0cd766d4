package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/mcp-resilience/holdfast/harness/drill"
	"github.com/mcp-resilience/holdfast/harness/local"
	"github.com/mcp-resilience/holdfast/harness/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// What is built to break a promise must be seen to break it, and that one.
var _ = Describe("negative control", Label("negative", local.Name), func() {
	It("counts the writes that a platform acknowledged before it replicated them", func(ctx SpecContext) {
		run := drill.Run(ctx, "lose-main-region-async-ack", drill.On(local.Name))
		Expect(run).To(drill.HaveVerdict(record.Fail))
		Expect(run).NotTo(drill.LoseNothing())
		Expect(run.Judgement.RPO.Lost).NotTo(BeEmpty(), "lost writes have witnesses")
		Expect(run.Judgement.RPO.Lost[0].Missing).NotTo(BeEmpty(), "a witness says which nodes miss it")
	}, SpecTimeout(drillLimit), GracePeriod(cleanLimit))

	It("measures no outage where nothing was broken", func(ctx SpecContext) {
		run := drill.Run(ctx, "kill-leader", drill.On(local.Name), drill.With(func(s *scenarios.Scenario) {
			s.Steps, s.Objectives.LeaderChange = []scenarios.Declared{}, nil
		}))
		Expect(run.Judgement.RTO).NotTo(BeNil())
		Expect(run.Judgement.RTO.Worst).To(BeZero())
		Expect(run).To(drill.LoseNothing())
	}, SpecTimeout(drillLimit), GracePeriod(cleanLimit))
})
