package e2e

import (
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/harness/drill"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

// assertFailure holds, for each scenario that must not pass, what exactly must have
// failed: that something did is not enough. A scenario without an entry fails.
var assertFailure = map[string]func(*drill.Result){
	"starve-no-shedding": func(run *drill.Result) {
		GinkgoHelper()
		i := slices.IndexFunc(run.Result.Findings, func(f record.Finding) bool { return f.Check == "load shedding" })
		Expect(run.Result.Findings[i].Description).To(ContainSubstring("nothing was rejected for lack of resources"))
	},
	"retries-forget-idempotency": func(run *drill.Result) {
		GinkgoHelper()
		Expect(run.Result.MissingFailures()).To(BeEmpty(), "the balances are not what the answered transfers made of them")
		i := slices.IndexFunc(run.Result.Findings, func(f record.Finding) bool { return f.Check == "accounts" })
		Expect(run.Result.Findings[i].Description).To(ContainSubstring("no choice among"), "whole transfers too many, not halves")
	},
	"alert-main-region-mute": mustFail("expected events"),
	"hair-trigger":           mustFail("false alarms"),
	"stale-registry":         mustFail("expected events"),
	"restore-platform-no-snapshots": func(run *drill.Result) {
		GinkgoHelper()
		mustFail("expected events")(run)
		rpo := run.Result.RPO
		Expect(rpo.LossWindow).To(BeNumerically(">", 8*time.Second), "what was acknowledged long before is lost too")
	},
	"lose-main-region-async": func(run *drill.Result) {
		GinkgoHelper()
		Expect(run).NotTo(drill.LoseNothing())
		rpo := run.Result.RPO
		Expect(rpo.LostCount).To(BeNumerically("<", rpo.Acked), "what was shipped is not lost")
		Expect(rpo.LossWindow).To(BeNumerically(">", 0), "the loss is a stretch of time")
		for _, l := range rpo.Lost {
			Expect(l.Op.Return).To(BeNumerically("~", run.Faults[0].Inject.Requested, 2*time.Second), "only the tail is lost")
		}
	},
	"lose-journal-tail": func(run *drill.Result) {
		GinkgoHelper()
		Expect(run).NotTo(drill.LoseNothing())
		Expect(run.Result.RPO.Lost).NotTo(BeEmpty(), "lost writes have witnesses")
		Expect(run.Result.RPO.Diverged).To(BeEmpty(), "the copies agree on what is left")
	},
	"bus-ack-early": func(run *drill.Result) {
		GinkgoHelper()
		Expect(run).NotTo(drill.LoseNothing())
		for _, l := range run.Result.RPO.Lost {
			Expect(l.Op.Kind).To(Equal(history.Publish), "only messages are lost")
		}
	},
	"lose-main-region-async-ack": func(run *drill.Result) {
		GinkgoHelper()
		Expect(run).NotTo(drill.LoseNothing())
		lost := lostFromFinalReads(run)
		Expect(lost).NotTo(BeEmpty(), "lost writes have witnesses")
		Expect(lost[0].Op.Node).NotTo(BeEmpty(), "a witness says who acknowledged")
		Expect(lost[0].Missing).NotTo(BeEmpty(), "a witness says which nodes miss it")
	},
	"power-loss-ack-before-sync": func(run *drill.Result) {
		GinkgoHelper()
		Expect(run).NotTo(drill.LoseNothing())
		lost := lostFromFinalReads(run)
		Expect(lost).NotTo(BeEmpty(), "lost writes have witnesses")
		Expect(lost[0].Missing).To(HaveLen(len(run.Topology.Nodes)), "no node has what was in nobody's disk")
	},
	"power-cut-sync-later": func(run *drill.Result) {
		GinkgoHelper()
		Expect(run).NotTo(drill.LoseNothing())
		Expect(lostFromFinalReads(run)).NotTo(BeEmpty(), "lost writes have witnesses")
	},
	"config-no-fallback": func(run *drill.Result) {
		GinkgoHelper()
		mustFail("expected events")(run)
		exited := map[topology.NodeID]bool{}
		for _, e := range run.Events {
			if e.Kind == record.EventCrashed {
				exited[e.Node] = true
			}
		}
		Expect(exited).To(Equal(map[topology.NodeID]bool{"east-gateway": true, "north-gateway": true, "south-gateway": true}), "who gave up")
	},
	"edge-blind": mustFail("disconnected operation"),
	"follower-reads": func(run *drill.Result) {
		GinkgoHelper()
		Expect(run).NotTo(drill.BeLinearizable())
		mustFail("stale reads")(run)
	},
	"skip-arbitration": func(run *drill.Result) {
		GinkgoHelper()
		mustFail("split brain")(run)
		mustFail("false alarms")(run)
		Expect(run).NotTo(drill.LoseNothing())
		for _, lost := range run.Result.RPO.Lost {
			Expect(lost.Op.Node).To(Equal(topology.NodeID("east-1")), "who led alone acknowledged what is lost")
		}
	},
	"never-switch": func(run *drill.Result) {
		GinkgoHelper()
		mustFail("traffic switch")(run)
		Expect(run.Result.Alarms.Raised).NotTo(BeZero(), "the loss was detected")
	},
	"lose-identity-no-local-verify": func(run *drill.Result) {
		GinkgoHelper()
		mustFail("availability")(run)
		Expect(run).To(drill.LoseNothing())
		Expect(run.Result.RTO.Worst).To(BeNumerically(">", 5*time.Second), "nobody is let in until the issuers are back")
	},
	"standby-warm": mustFail("rpo"),
	"standby-warm-isolated": func(run *drill.Result) {
		GinkgoHelper()
		mustFail("rpo")(run)
		Expect(run.Result.RPO.LossWindow).To(BeNumerically("<", 3*time.Second), "who is cut off stops to acknowledge")
	},
	"standby-cold": mustFail("rpo"),
	"restore-platform": func(run *drill.Result) {
		GinkgoHelper()
		mustFail("rpo")(run)
		Expect(run.Result.RTO.Recovered).To(BeTrue(), "service is back")
		rpo := run.Result.RPO
		Expect(rpo.LostCount).To(BeNumerically("<", rpo.Acked), "what the snapshot has is not lost")
	},
	"probe-self": func(run *drill.Result) {
		GinkgoHelper()
		mustFail("traffic switch")(run)
		Expect(run.Result.Alarms.Raised).To(BeZero(), "the loss was not detected")
	},
}

// mustFail is for a control of which the failed check alone says everything.
func mustFail(promise string) func(*drill.Result) {
	return func(run *drill.Result) {
		GinkgoHelper()
		for _, f := range run.Result.Findings {
			if f.Check == promise {
				Expect(f.Verdict).To(Equal(record.Fail), f.Description)
				return
			}
		}
		Fail("no finding about " + promise)
	}
}

// The twin without faults: whatever it measures, the faults did not do.
var _ = It("measures no outage and loses nothing where nothing is broken", Label("negative", local.Name), func(ctx SpecContext) {
	run := drill.Run(ctx, "kill-leader", drill.On(local.Name), drill.With(func(s *scenarios.Scenario) {
		s.Steps, s.Objectives.LeaderChange = []scenarios.StepSpec{}, nil
	}))
	Expect(run.Result.RTO).NotTo(BeNil())
	Expect(run.Result.RTO.Worst).To(BeZero())
	Expect(run).To(drill.LoseNothing())
	Expect(run.Faults).To(BeEmpty())
}, SpecTimeout(drillLimit), GracePeriod(cleanLimit))

// lostFromFinalReads are the lost writes that final reads miss. Of a register that was overwritten
// since, an operation of the load proves the loss, and no node is named.
func lostFromFinalReads(run *drill.Result) []record.LostWrite {
	return slices.DeleteFunc(slices.Clone(run.Result.RPO.Lost), func(l record.LostWrite) bool { return l.Proof != "" })
}
