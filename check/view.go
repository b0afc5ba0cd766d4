package check

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/record"
)

// view is a run as every check reads it: objectives complete, faults in order,
// and the instants that divide it.
type view struct {
	run  *record.Run
	opts Options
	def  Definition
	obj  record.Objectives

	faults   []record.Fault // that were requested, in that order
	baseline record.Span
	start    time.Duration // of judging: the first fault, or the phase of faults
	end      time.Duration // of observation
	damage   damage
	index    func() *index // made once, when first asked for
	series   func() []*series
}

// maxBuckets bounds the memory that a record with absurd times can ask for:
// at the default width it is a day.
const maxBuckets = 1_000_000

func newView(r *record.Run, o Options) (*view, error) {
	v := &view{run: r, opts: o, def: o.Definition, obj: r.Objectives.Resolve()}
	for _, f := range r.Faults {
		if f.Inject.Requested >= 0 {
			v.faults = append(v.faults, f)
		}
	}
	slices.SortStableFunc(v.faults, func(a, b record.Fault) int {
		return cmp.Compare(a.Inject.Requested, b.Inject.Requested)
	})
	first, last := v.loaded()
	v.end = last
	for _, name := range []string{record.Baseline, record.Faulty, record.Observing} {
		if p, ok := r.Phase(name); ok {
			if v.end = p.To; p.To < 0 {
				v.end = last // the run was killed in it
			}
		}
	}
	if v.end < 0 || v.end/v.def.Bucket > maxBuckets {
		return nil, fmt.Errorf("the record says that observation ended at %v: more than can be judged", v.end)
	}
	v.baseline = record.Span{From: first, To: v.end}
	if p, ok := r.Phase(record.Baseline); ok {
		v.baseline.From = max(first, p.From)
		if p.To >= 0 {
			v.baseline.To = p.To
		}
	}
	v.start = v.baseline.To
	if p, ok := r.Phase(record.Faulty); ok {
		v.start = p.From
	}
	if len(v.faults) > 0 {
		v.start = v.faults[0].Inject.Requested
	}
	v.baseline.To = min(v.baseline.To, v.start)
	v.damage = newDamage(r.Topology, v.faults)
	v.index = sync.OnceValue(func() *index { return newIndex(r.Ops) })
	v.series = sync.OnceValue(func() []*series { return newSeries(v) })
	return v, nil
}

// loaded is when the first operation of the load was due and when the last
// one's bucket ends.
func (v *view) loaded() (first, last time.Duration) {
	first = -1
	for i := range v.run.Ops {
		op := &v.run.Ops[i]
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
	return first, last - last%v.def.Bucket + v.def.Bucket
}
