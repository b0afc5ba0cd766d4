// Package bench measures what a user waits for and relies on: the start of a
// drill beside that of bare containers, what a drill takes beyond its own
// timeline, and how true the measured recovery time is. What a single package
// costs is measured in that package. The command figures, beside this, runs
// them all and sets each figure beside its objective.
package bench

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/mcp/node"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

var idle = topology.Program{Package: build.Module + "/e2e/bench/testdata/idle"}

// BenchmarkStart is a run on the reference platform in containers, from its
// begin to steady state, when every client of every region is served; beside
// it, in turn, as many bare containers, plus one election timeout.
func BenchmarkStart(b *testing.B) {
	need(b, docker.Driver())
	election := node.Profiles()["adaptive"].Consensus.Election
	engine := newBare(b)
	for _, perRegion := range []int{1, 3} {
		b.Run(fmt.Sprintf("3x%d", perRegion), func(b *testing.B) {
			plan := quiet(b, perRegion)
			containers := 2 * len(plan.Topology.Nodes) // a pod is a sandbox and a node
			start(b, plan, docker.Driver())            // so that images and binaries are present
			var ours, theirs []time.Duration
			for range 3 {
				theirs = append(theirs, engine.start(b, containers)+election)
				ours = append(ours, start(b, plan, docker.Driver()))
			}
			for b.Loop() { // measured above, three times
			}
			us, them := median(ours), median(theirs)
			b.ReportMetric(us.Seconds(), "s-run")
			b.ReportMetric(them.Seconds(), "s-bare+election")
			b.ReportMetric(us.Seconds()/them.Seconds(), "start-ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// quiet is a plan that starts the platform and does little else.
func quiet(b *testing.B, perRegion int) scenarios.Plan {
	b.Helper()
	p, err := builtin.Resolve(scenarios.Scenario{
		Name: "start", Target: "mcp", Topology: topology.Spec{Nodes: perRegion},
		Baseline: time.Second, Steps: []scenarios.StepSpec{},
	}, 1)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// The windows that belong to the definition of recovery, not to the engine.
const (
	stabilityWindow = 5 * time.Second
	latencyLimit    = time.Second // until the last operation's bucket is decided
)

// BenchmarkDrill is what a whole drill takes beyond its baseline, its timeline
// and the windows in which recovery is judged, and where that time goes.
func BenchmarkDrill(b *testing.B) {
	for _, kind := range []cluster.Driver{docker.Driver(), local.Driver()} {
		b.Run(kind.Name, func(b *testing.B) {
			need(b, kind)
			job, err := builtin.Read("kill-leader", 1, func(s *scenarios.Scenario) { s.Baseline, s.Steps[0].For = 2*time.Second, 4*time.Second })
			if err != nil {
				b.Fatal(err)
			}
			start(b, quiet(b, 1), kind) // so that images and binaries are present
			for b.Loop() {
				d := run(b, b.Context(), job.Plan, kind, nil)
				if d.record.Result.RTO == nil || d.record.AbortReason != "" {
					b.Fatalf("%s on %s: %s", job.Plan.Scenario, kind.Name, d.record.Result.Verdict)
				}
				if v := d.record.Result.Verdict; v != record.Pass {
					b.Logf("%s on %s came out %s: the machine is busy with something else", job.Plan.Scenario, kind.Name, v)
				}
				own := job.Plan.Baseline + job.Plan.Length() + stabilityWindow + latencyLimit
				b.ReportMetric((d.wall - own).Seconds(), "s-beyond")
				b.ReportMetric(d.wall.Seconds(), "s-wall")
				for _, p := range d.record.Phases {
					took := p.To - p.From
					switch p.Name {
					case record.Baseline:
						took -= job.Plan.Baseline
					case record.Faulty:
						took -= job.Plan.Length()
					case record.Observing:
						took -= stabilityWindow + latencyLimit
					case record.ReadBack:
						p.Name = "readback" // a unit has no spaces
					}
					b.ReportMetric(took.Seconds(), "s-"+p.Name)
				}
				last := d.record.Phases[len(d.record.Phases)-1].To
				b.ReportMetric((d.wall - last).Seconds(), "s-judge")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

// BenchmarkKnownOutage is how far the measured recovery time is from the exact
// length of an outage.
func BenchmarkKnownOutage(b *testing.B) {
	for _, d := range []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second} {
		b.Run(d.String(), func(b *testing.B) {
			for b.Loop() {
				s := harnesstest.NewStore()
				r, _, err := harness.Run(b.Context(), harnesstest.Plan(s, harnesstest.Outage{Store: s}, d), harness.Options{
					Target: s, Runtime: clustertest.Fake(nil), Root: b.TempDir(),
				})
				if err != nil {
					b.Fatal(err)
				}
				if rto := r.Result.RTO; rto == nil || !rto.Recovered { // other promises are none of this benchmark's business
					b.Fatalf("RTO not measured: %+v", r.Result.Findings)
				}
				b.ReportMetric(ms(s.OutageLength()), "ms-known")
				b.ReportMetric(ms(r.Result.RTO.Worst), "ms-measured")
				b.ReportMetric(ms((r.Result.RTO.Worst - s.OutageLength()).Abs()), "ms-error")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

// start is how long a run takes to steady state; then it is interrupted.
func start(b *testing.B, p scenarios.Plan, kind cluster.Driver) time.Duration {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	r := run(b, ctx, p, kind, func(now harness.Progress) {
		if now.Phase == record.Baseline {
			cancel()
		}
	}).record
	started, _ := r.Phase(record.Starting)
	if _, steady := r.Phase(record.Baseline); !steady {
		b.Fatalf("%s on %s did not start: %s", p.Scenario, kind.Name, r.AbortReason)
	}
	return started.To - started.From
}

// done is a run and how long it took from call to return.
type done struct {
	record *record.Run
	wall   time.Duration
}

func run(b *testing.B, ctx context.Context, p scenarios.Plan, kind cluster.Driver, watch func(harness.Progress)) done {
	b.Helper()
	target, err := builtin.Target(p.Target)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	r, _, err := harness.Run(ctx, p, harness.Options{Target: target, Runtime: kind, Root: b.TempDir(), Watch: watch})
	if err != nil {
		b.Fatalf("%s on %s: %v", p.Scenario, kind.Name, err)
	}
	return done{r, time.Since(began)}
}

func need(b *testing.B, kind cluster.Driver) {
	b.Helper()
	if err := kind.Check(context.Background()); err != nil {
		b.Skipf("runtime %s cannot work here: %v", kind.Name, err)
	}
}

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return history.Percentile(ds, 50)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
