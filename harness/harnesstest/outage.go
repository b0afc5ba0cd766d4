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

// Outage is a fault of which the exact length is known; see Store.OutageLength.
type Outage struct{ Store *Store }

// Prepare returns an injection that makes every operation of the store fail until heal.
func (f Outage) Prepare(faults.Victims) faults.Injection { return outage(f) }

// Impact is none: nodes and links are well, so every client stays eligible.
func (f Outage) Impact(faults.Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe names the fault.
func (f Outage) Describe(faults.Victims) string { return "outage" }

type outage struct{ Store *Store }

func (o outage) Inject(context.Context) error { o.Store.setDown(true); return nil }
func (o outage) Heal(context.Context) error   { o.Store.setDown(false); return nil }

func (o outage) Active(context.Context) (string, error) {
	if !o.Store.Down() {
		return "", errors.New("it answers")
	}
	return "no answer", nil
}

func (o outage) Cleared(context.Context) (string, error) {
	if o.Store.Down() {
		return "", errors.New("no answer")
	}
	return "it answers", nil
}

func (o outage) ControlUnaffected(context.Context, []topology.FaultImpact) (string, error) {
	return "there is no control: the whole store is down", nil
}

// Plan injects a fault into the store for d, after 2 s of load.
func Plan(s *Store, f faults.Fault, d time.Duration) scenarios.Plan {
	topo, _ := s.Topology(topology.Spec{}) // never fails
	return scenarios.Plan{
		Scenario: "outage", Target: s.Name(), Topology: topo, Seed: 1,
		Load:     workload.Load{Reads: 200, Writes: 200}.Resolve(),
		Baseline: 2 * time.Second,
		Steps: []scenarios.Step{{
			ID: "1-outage", For: d, Fault: "outage", With: f, On: topology.Selector{All: true},
		}},
		Observe:    20 * time.Second,
		Objectives: record.Objectives{}.Resolve(),
		Expect:     record.Pass,
	}
}
