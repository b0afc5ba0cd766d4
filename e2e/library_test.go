package e2e

import (
	"context"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/harness/drill"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// The longest time that a spec of one drill may take, and that it may take to
// clean up when it is interrupted.
const (
	drillLimit = 4 * time.Minute
	cleanLimit = 90 * time.Second
)

// engine says once, when the specs are made, whether containers can be had.
var engine = docker.Check(context.Background())

// runtimes says on which runtimes a scenario is drilled: on both, and a system
// that needs containers only there.
func runtimes(s scenarios.Scenario) []string {
	if s.Target != "mcp" {
		return []string{docker.Name}
	}
	return []string{docker.Name, local.Name}
}

// Each scenario comes out as its file says it must.
var _ = Describe("scenario", func() {
	for _, s := range scenarios.Library() {
		for _, rt := range runtimes(s) {
			It(fmt.Sprintf("%s on %s", s.Name, rt), Label(labels(s, rt)...), serialIfHeavy(s), func(ctx SpecContext) {
				run := drill.Run(ctx, s.Name, drill.On(rt), drill.RetryEnvironment(1))
				if expected(s) != record.Pass {
					Expect(run).To(drill.AsExpected())
					Expect(assertFailure).To(HaveKey(s.Name))
					assertFailure[s.Name](run)
					return
				}
				Expect(run).To(drill.RecoverWithin(s.Objectives.Resolve().RTO))
				Expect(run).To(drill.LoseNothing())
				if *s.Objectives.Resolve().Linearizable {
					Expect(run).To(drill.BeLinearizable())
				}
				Expect(run).To(drill.Pass())
			}, SpecTimeout(drillLimit), GracePeriod(cleanLimit))
		}
	}
})

// daily are the scenarios that make test runs: a fault of another kind or another system
// each, and two negative controls. The others vary these.
var daily = []string{"lose-main-region", "lose-main-region-async-ack", "isolate-main-region", "etcd-kill-leader", "power-loss-ack-before-sync"}

// labels are by which filters a spec is chosen. By day a scenario runs on one
// runtime, because a second one mostly repeats what the first has shown: in
// containers where an engine answers, and a negative control as local processes,
// because it tests the checks, which are the same everywhere. The first drill of all runs on both.
func labels(s scenarios.Scenario, rt string) []string {
	out := append([]string{rt}, s.Labels...)
	byDay := docker.Name
	if s.Target == "mcp" && (engine != nil || slices.Contains(out, "negative")) {
		byDay = local.Name
	}
	if s.Name != "lose-main-region" && rt != byDay || !slices.Contains(daily, s.Name) {
		out = append(out, "nightly")
	}
	return out
}

// serialIfHeavy makes a drill run alone when it needs more than its share of two
// processors: one of the layout full has fifteen nodes, and one that starves a
// node of CPU sends as much load as the other nodes can just serve. Beside another
// drill such a run would prove nothing about the platform.
func serialIfHeavy(s scenarios.Scenario) []any {
	starves := func(step scenarios.StepSpec) bool { return step.Fault == "throttle" }
	if s.Topology.Layout == "full" || slices.ContainsFunc(s.Steps, starves) {
		return []any{Serial}
	}
	return []any{}
}

func expected(s scenarios.Scenario) record.Verdict {
	if s.Expect == "" {
		return record.Pass
	}
	return s.Expect
}
