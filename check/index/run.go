// Package index works out once what several checks ask of a recorded run: its
// objectives with their defaults, the instants that divide it, its faults in
// order, its operations by key, and when which clients had no quorum.
package index

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/check/interference"
	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/check/quorum"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Run is a record as the checks read it. Checks do not change it.
type Run struct {
	Record     *record.Run
	SLO        record.SLOParams  // complete
	Objectives record.Objectives // complete

	Faults []record.Fault // that were requested, in that order
	Quorum quorum.Windows
	// Interference is when the harness or the machine may have made operations bad.
	Interference []interference.Window
	Baseline     record.Span
	Start        time.Duration // of judging: the first fault's request, or the phase of faults
	End          time.Duration // of observation

	keys func() *keyindex.Index
}

// maxBuckets bounds the memory that a record with absurd times can ask for. At
// the default width it is a day.
const maxBuckets = 1_000_000

// New indexes a record. It fails for one whose observation is too long to judge.
func New(r *record.Run, slo record.SLOParams) (*Run, error) {
	x := &Run{Record: r, SLO: r.Objectives.SLO(slo), Objectives: r.Objectives.Resolve()}
	for _, f := range r.Faults {
		if f.Inject.Requested >= 0 {
			x.Faults = append(x.Faults, f)
		}
	}
	slices.SortStableFunc(x.Faults, func(a, b record.Fault) int {
		return cmp.Compare(a.Inject.Requested, b.Inject.Requested)
	})
	first, last := x.loaded()
	x.End = last
	for _, name := range []string{record.Baseline, record.Faulty, record.Observing} {
		if p, ok := r.Phase(name); ok {
			if x.End = p.To; p.To < 0 {
				x.End = last // the run was killed in it
			}
		}
	}
	if x.End < 0 || x.End/x.SLO.Bucket > maxBuckets {
		return nil, fmt.Errorf("the record ends its observation at %v, which is longer than can be judged", x.End)
	}
	x.Baseline = record.Span{From: first, To: x.End}
	if p, ok := r.Phase(record.Baseline); ok {
		x.Baseline.From = max(first, p.From)
		if p.To >= 0 {
			x.Baseline.To = p.To
		}
	}
	x.Start = x.Baseline.To
	if p, ok := r.Phase(record.Faulty); ok {
		x.Start = p.From
	}
	if len(x.Faults) > 0 {
		x.Start = x.Faults[0].Inject.Requested
	}
	x.Baseline.To = min(x.Baseline.To, x.Start)
	x.Quorum = quorum.Of(r.Topology, x.Faults)
	x.Interference = interference.Find(r, x.SLO.Lateness)
	x.keys = sync.OnceValue(func() *keyindex.Index { return keyindex.New(r.Ops) })
	return x, nil
}

// Keys is the run's operations by key. They are grouped when first asked for.
func (x *Run) Keys() *keyindex.Index { return x.keys() }

// loaded is when the first operation of the load was due and when the last
// one's bucket ends.
func (x *Run) loaded() (first, last time.Duration) {
	first = -1
	for i := range x.Record.Ops {
		op := &x.Record.Ops[i]
		if op.Final || op.Intended < 0 {
			continue
		}
		if first < 0 || op.Intended < first {
			first = op.Intended
		}
		last = max(last, op.Intended)
	}
	if first < 0 {
		return 0, 0
	}
	return first, last - last%x.SLO.Bucket + x.SLO.Bucket
}

// OpenPhase names the phase that never ended, as in the record of a run that
// was killed; it is empty when there is none.
func (x *Run) OpenPhase() string {
	for _, p := range x.Record.Phases {
		if p.To < 0 {
			return p.Name
		}
	}
	return ""
}

// Complete reports whether the record was kept to the run's end. One that was
// cut off, by a kill or a full disk, lacks the operations that were under way: a value
// that it does not know the writer of may well have been written.
func (x *Run) Complete() bool { return x.OpenPhase() == "" && len(x.Record.Partial) == 0 }

// Readers lists the nodes that the final reads must have gone through: every
// voter, and those that were tried.
func (x *Run) Readers() []topology.NodeID {
	known := map[topology.NodeID]bool{}
	var out []topology.NodeID
	add := func(id topology.NodeID) {
		if id != "" && !known[id] {
			known[id] = true
			out = append(out, id)
		}
	}
	for _, n := range x.Record.Topology.Nodes {
		if n.Voter {
			add(n.ID)
		}
	}
	for i := range x.Record.Ops {
		if op := &x.Record.Ops[i]; op.Final {
			add(op.ReadThrough)
		}
	}
	return out
}

// Unread lists those of the nodes through which no final read succeeded.
func (x *Run) Unread(nodes []topology.NodeID) []topology.NodeID {
	answered := map[topology.NodeID]bool{}
	for i := range x.Record.Ops {
		if op := &x.Record.Ops[i]; op.Final && op.Outcome == history.OK {
			answered[op.ReadThrough] = true
		}
	}
	var out []topology.NodeID
	for _, n := range nodes {
		if !answered[n] {
			out = append(out, n)
		}
	}
	return out
}
