package bench

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// losses is many by default, since the worst of few says little.
var losses = flag.Int("losses", 20, "how often the main region is lost in BenchmarkRegionLoss")

// BenchmarkRegionLoss is how long clients are not served when the main region
// is killed, with 30 ms between regions: over many runs in the default profile,
// once with the timings of the original design. A run that does not recover
// counts with the time that it was observed.
func BenchmarkRegionLoss(b *testing.B) {
	need(b, local.Driver())
	for _, c := range []struct {
		profile, scenario string
		runs              int
		gone              time.Duration // longer than the objective, so that no return helps
	}{
		{"adaptive", "lose-main-region", *losses, 10 * time.Second},
		{"seed", "lose-main-region-seed-timings", 1, 32 * time.Second},
	} {
		b.Run(c.profile, func(b *testing.B) {
			var took, first []time.Duration
			for b.Loop() {
				for seed := range c.runs {
					job, err := builtin.Read(c.scenario, uint64(seed+1), func(s *scenarios.Scenario) {
						s.Baseline, s.Steps[0].For = 2*time.Second, c.gone
					})
					if err != nil {
						b.Fatal(err)
					}
					r := run(b, b.Context(), job.Plan, local.Driver(), nil).record
					if r.Result == nil || r.Result.RTO == nil || r.AbortReason != "" || len(r.Faults) == 0 || !r.Faults[0].Active.Proved {
						b.Fatalf("run %d of %s: the loss was not measured: %s", seed+1, c.scenario, r.AbortReason)
					}
					b.Logf("run %d of %s: RTO %v, %s", seed+1, c.scenario, r.Result.RTO.Worst, r.Result.Verdict)
					for _, s := range r.Result.RTO.Stages {
						b.Logf("  %s took %v: %s", s.Name, s.To-s.From, s.Description)
					}
					took = append(took, r.Result.RTO.Worst)
					first = append(first, lastServed(r.Result.RTO))
				}
			}
			b.ReportMetric(median(took).Seconds(), "s-median")
			b.ReportMetric(slices.Max(took).Seconds(), "s-worst")
			b.ReportMetric(slices.Min(took).Seconds(), "s-best")
			b.ReportMetric(slices.Max(first).Seconds(), "s-served-worst")
			b.ReportMetric(float64(len(took)), "runs")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// lastServed is when the last region and class of operation had its first
// acknowledgement after the loss. Recovery counts until service stays good: a
// busy machine, on which nodes shed load, can put seconds between the two.
func lastServed(r *record.RTO) time.Duration {
	var last time.Duration
	for _, s := range r.Series {
		if s.Eligible && s.FirstAck != record.NotReached {
			last = max(last, s.FirstAck)
		}
	}
	return last
}
