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

// Prepare returns an injection that silences the store until heal.
func (f Silence) Prepare(faults.Victims) faults.Injection { return silencing(f) }

// Impact is none: nodes and links are well, so every client stays eligible.
func (f Silence) Impact(faults.Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe names the deed.
func (f Silence) Describe(faults.Victims) string { return "silence" }

type silencing struct{ Store *Store }

func (s silencing) Inject(context.Context) error { s.Store.silence(true); return nil }
func (s silencing) Heal(context.Context) error   { s.Store.silence(false); return nil }

func (s silencing) Active(context.Context) (string, error) {
	if !s.Store.Silent() {
		return "", errors.New("it answers")
	}
	return "no answer", nil
}

func (s silencing) Cleared(context.Context) (string, error) {
	if s.Store.Silent() {
		return "", errors.New("no answer")
	}
	return "it answers", nil
}

func (s silencing) ControlUnaffected(context.Context, []topology.FaultImpact) (string, error) {
	return "there is no control: the whole store is silent", nil
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
