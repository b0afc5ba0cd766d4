package faultstest

import (
	"context"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
)

// BenchmarkProofs reports, for each example, the milliseconds from the injection
// being confirmed to its proof (active-ms), from there to the proof of the control
// (control-ms), and from the heal to its proof (cleared-ms).
func BenchmarkProofs(b *testing.B, k cluster.Driver) {
	c := start(b, k)
	for _, e := range examples() {
		b.Run(e.name, func(b *testing.B) {
			skipUnsupported(b, c, e)
			var active, control, cleared time.Duration
			for b.Loop() {
				awaitServing(b, c)
				i := e.fault.Prepare(e.victims(b, c))
				if err := i.Inject(b.Context()); err != nil {
					b.Fatal(err)
				}
				active += timeProof(b, i.Active)
				control += timeProof(b, func(ctx context.Context) (string, error) { return i.ControlUnaffected(ctx, nil) })
				if err := i.Heal(b.Context()); err != nil {
					b.Fatal(err)
				}
				cleared += timeProof(b, i.Cleared)
			}
			ms := float64(b.N) * float64(time.Millisecond)
			b.ReportMetric(float64(active)/ms, "active-ms")
			b.ReportMetric(float64(control)/ms, "control-ms")
			b.ReportMetric(float64(cleared)/ms, "cleared-ms")
		})
	}
}

// timeProof returns how long a proof took to come.
func timeProof(b *testing.B, proof func(context.Context) (string, error)) time.Duration {
	b.Helper()
	begin := time.Now()
	if _, err := eventually(b.Context(), proofTimeout, proof); err != nil {
		b.Fatal(err)
	}
	return time.Since(begin)
}
