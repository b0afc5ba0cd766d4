package harnesstest

import (
	"context"
	"errors"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Silence is a fault of which the exact length is known; see Store.Silenced.
type Silence struct{ Store *Store }

// Inject silences the store until heal.
func (f Silence) Inject(context.Context, faults.Victims) (func(context.Context) error, error) {
	f.Store.silence(true)
	return func(context.Context) error { f.Store.silence(false); return nil }, nil
}

// FaultImpact is none: nodes and links are well, so every client stays eligible.
func (f Silence) Impact(faults.Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe names the deed.
func (f Silence) Describe(faults.Victims) string { return "silence" }

// Active asks the store.
func (f Silence) Active(context.Context, faults.Victims) (string, error) {
	if !f.Store.Silent() {
		return "", errors.New("it answers")
	}
	return "no answer", nil
}

// Cleared asks the store.
func (f Silence) Cleared(context.Context, faults.Victims) (string, error) {
	if f.Store.Silent() {
		return "", errors.New("no answer")
	}
	return "it answers", nil
}

// ControlUnaffected has nobody to ask.
func (f Silence) ControlUnaffected(context.Context, faults.Victims) (string, error) {
	return "there is no neighbour", nil
}

// Plan lets a fault loose on the store for d, after 2 s of load.
func Plan(s *Store, f faults.Fault, d time.Duration) scenarios.Plan {
	topo, _ := s.Topology(topology.Spec{}) // never fails
	return scenarios.Plan{
		Scenario: "silence", Target: s.Name(), Topology: topo, Seed: 1,
		Load:     workload.Load{Reads: 200, Writes: 200}.Resolve(),
		Baseline: 2 * time.Second,
		Steps: []scenarios.Step{{
			ID: "1-silence", For: d, Fault: "silence", With: f, On: topology.Selector{All: true},
		}},
		Observe:    20 * time.Second,
		Objectives: record.Objectives{}.Resolve(),
		Expect:     record.Pass,
	}
}
