// Package checktest makes records of runs that never took place, on a store of which
// everything is known, to measure the checks with.
package checktest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Unit is the unit of a lab's time.
const Unit = time.Millisecond

// SLO is the constants with time compressed a hundredfold: a bucket is
// 1 ms, the stability window 50 ms, and 300 ms stand for 30 s.
var SLO = record.SLOParams{Bucket: Unit, Latency: 10 * Unit, Merge: 10 * Unit, Stable: 50 * Unit}

// Lab makes the record of a run that never took place, on a perfect store.
// The zero value is a run with one fault that nobody notices.
type Lab struct {
	Baseline time.Duration // 0 means 100 ms
	Fault    time.Duration // how long it lasts; 0 means 100 ms
	Observe  time.Duration // after heal; 0 means 100 ms
	Episodes int           // 0 means 1
	Interval time.Duration // between two operations of a series; 0 means 200 µs
	// Down reports whether an operation gets no answer and takes no effect.
	Down func(r topology.Region, c history.Class, due time.Duration) bool
	// Slow is added to an operation's latency, which is 300 µs.
	Slow func(r topology.Region, c history.Class, due time.Duration) time.Duration
	// Cut is the impact of the fault.
	Cut topology.FaultImpact
}

// Three is a topology of three regions with a voter each.
var Three = topology.Topology{
	RegionSpecs: []topology.RegionSpec{{Region: "east", Weight: 70}, {Region: "north", Weight: 20}, {Region: "south", Weight: 10}},
	Nodes: []topology.Node{
		{ID: "east-1", Region: "east", Voter: true},
		{ID: "north-1", Region: "north", Voter: true},
		{ID: "south-1", Region: "south", Voter: true},
	},
}

func (l Lab) resolve() Lab {
	for _, d := range []*time.Duration{&l.Baseline, &l.Fault, &l.Observe} {
		if *d == 0 {
			*d = 100 * Unit
		}
	}
	if l.Episodes == 0 {
		l.Episodes = 1
	}
	if l.Interval == 0 {
		l.Interval = 200 * time.Microsecond
	}
	return l
}

// Run makes the record. What Clone copies is the caller's to change.
func (l Lab) Run() *record.Run {
	if reflect.ValueOf(l).IsZero() {
		return Clone(defaultRun())
	}
	return l.make()
}

// defaultRun is the record that most tests begin with. It is made once.
var defaultRun = sync.OnceValue(func() *record.Run { return Lab{}.make() })

func (l Lab) make() *record.Run {
	l = l.resolve()
	r := &record.Run{Meta: record.Meta{
		Topology: Three, Expect: record.Pass, HasRejectionMarks: true,
		Objectives: record.Objectives{RTO: 300 * Unit}.Resolve(),
	}}
	var steps []string
	at := l.Baseline
	for e := range l.Episodes {
		id := fmt.Sprintf("%d.1-kill", e+1)
		steps = append(steps, fmt.Sprintf("{\"id\":%q}", id))
		r.Faults = append(r.Faults, record.Fault{
			ID: id, Name: "kill", Episode: e + 1, Description: "kill east-1", Impact: l.Cut,
			Inject: record.Times{Planned: at, Requested: at, Confirmed: at + Unit, Effective: at + Unit},
			Heal:   record.Times{Planned: at + l.Fault, Requested: at + l.Fault, Confirmed: at + l.Fault + Unit, Effective: at + l.Fault + Unit},
			Active: record.Proof{Proved: true, Observed: "exit"}, Cleared: record.Proof{Proved: true, Observed: "answer"}, ControlUnaffected: record.Proof{Proved: true, Observed: "answer"},
		})
		at += l.Fault
		if e < l.Episodes-1 {
			at += l.Observe
		}
	}
	r.Plan = []byte(`{"steps":[` + strings.Join(steps, ",") + `]}`)
	end := at + l.Observe
	r.Phases = []record.Phase{
		{Name: record.Baseline, From: 0, To: l.Baseline},
		{Name: record.Faulty, From: l.Baseline, To: at},
		{Name: record.Observing, From: at, To: end},
		{Name: record.ReadBack, From: end, To: end + 10*Unit},
	}
	r.Ops = l.load(end)
	r.Ops = append(r.Ops, readBack(r.Ops, end)...)
	return r
}

// Clone copies what tests change of a run.
func Clone(r *record.Run) *record.Run {
	c := *r
	c.Ops, c.Faults, c.Phases, c.Events = slices.Clone(r.Ops), slices.Clone(r.Faults), slices.Clone(r.Phases), slices.Clone(r.Events)
	return &c
}

// load sends the fixed schedule of every series to a store that is one map.
func (l Lab) load(end time.Duration) []history.Op {
	var ops []history.Op
	n := 0
	for due := time.Duration(0); due < end; due += l.Interval {
		for ri, region := range Three.Regions() {
			for _, class := range []history.Class{history.Reads, history.Writes} {
				n++
				op := history.Op{ID: int64(n), Client: ri, Region: region, Key: fmt.Sprintf("k%d", n/400), Intended: due, Call: due + time.Duration(n%7)*time.Microsecond, Outcome: history.OK, Node: "north-1", Term: 2}
				set := fmt.Sprintf("s%d", n/2000)
				switch {
				case class == history.Reads && n%11 == 0:
					op.Kind, op.Key = history.SetRead, set
				case class == history.Reads:
					op.Kind = history.Read
				case n%5 < 2:
					op.Kind, op.Value = history.Write, fmt.Sprint("v", n)
				case n%5 == 2:
					op.Kind, op.Value, op.Expect = history.CAS, fmt.Sprint("v", n), "?"
				default:
					op.Kind, op.Key, op.Value = history.Add, set, fmt.Sprint("e", n)
				}
				op.Return = op.Call + 300*time.Microsecond
				if l.Slow != nil {
					op.Return += l.Slow(region, class, due)
				}
				if l.Down != nil && l.Down(region, class, due) {
					op.Outcome, op.Error, op.Return = history.Unknown, "deadline exceeded", op.Call+20*Unit
				}
				ops = append(ops, op)
			}
		}
	}
	slices.SortFunc(ops, func(a, b history.Op) int { return int(a.Call - b.Call) })
	s := NewStore()
	for i := range ops {
		if ops[i].Outcome == history.OK {
			s.Do(&ops[i])
		}
	}
	return ops
}
