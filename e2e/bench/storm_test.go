package bench

import (
	"flag"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// storm is short by default, so that the bench ends; "make storm" makes it 30 minutes.
var storm = flag.Duration("storm", time.Minute, "how long the links jitter in BenchmarkStorm")

// BenchmarkStorm is how often the reference platform moves traffic, or takes a
// node for dead, while all links between regions jitter at three times their
// baseline and nobody is lost.
func BenchmarkStorm(b *testing.B) {
	need(b, local.Driver())
	job, err := builtin.Read("jitter-storm", 1, func(s *scenarios.Scenario) { s.Steps[0].For = *storm })
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r := run(b, b.Context(), job.Plan, local.Driver(), nil).record
		if r.Result == nil || r.Result.Alarms == nil || len(r.Faults) == 0 || !r.Faults[0].Active.Proved {
			b.Fatalf("the storm was not measured: %s", r.AbortReason)
		}
		told := map[record.EventKind]int{}
		for _, e := range r.Events {
			if e.Source == record.FromPlatform && e.At >= r.Faults[0].Inject.Requested {
				told[e.Kind]++
			}
		}
		for _, f := range r.Result.Alarms.False {
			b.Log(f)
		}
		for _, f := range r.Result.Findings { // outages are another promise, and a busy machine has some
			if f.Verdict != record.Pass {
				b.Logf("%s: %s: %s", f.Check, f.Verdict, f.Description)
			}
		}
		b.ReportMetric(float64(told[record.EventWeights]), "switches")
		b.ReportMetric(float64(r.Result.Alarms.FalseCount), "alarms")
		b.ReportMetric(float64(told[record.EventElected]), "elections")
		b.ReportMetric(float64(told["pending"]), "pending")
		b.ReportMetric(float64(told[record.EventStrike]), "strikes")
		b.ReportMetric((r.Faults[0].Heal.Requested - r.Faults[0].Inject.Requested).Seconds(), "s-storm")
		b.ReportMetric(0, "ns/op")
	}
}
