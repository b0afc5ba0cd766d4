package reports

import (
	"math"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// definitionOf is the constants of the run's figures; a run that was not
// judged is shown by the defaults.
func definitionOf(r *record.Run) record.SLOParams {
	if r.Result == nil {
		return record.SLOParams{}.Resolve()
	}
	return r.Result.SLOParams.Resolve()
}

// mostPoints bounds the points of one line, whatever the length of the run.
const mostPoints = 600

// lane is what the clients of one region saw of one class, in buckets of the
// intended time.
type lane struct {
	Region topology.Region
	Class  history.Class
	Points []point
}

// point is one bucket. Good is NaN where nothing was due; P50 and P99 are
// Never where nothing was acknowledged.
type point struct {
	At       time.Duration // start of the bucket
	Due      int
	Good     float64
	P50, P99 time.Duration
}

// frame is the stretch of the run that the charts show, and their bucket.
type frame struct{ From, To, Bucket time.Duration }

// frameOf starts with the load and ends with the read-back.
func frameOf(r *record.Run) frame {
	f := frame{From: 0, To: time.Second}
	if p, ok := r.Phase(record.Baseline); ok {
		f.From = p.From
	}
	for _, p := range r.Phases {
		if p.Name != record.Stopping {
			f.To = max(f.To, p.From, p.To)
		}
	}
	for _, x := range r.Faults {
		f.To = max(f.To, x.Inject.Requested, x.Heal.Effective)
	}
	for i := range r.Ops {
		f.To = max(f.To, r.Ops[i].Intended)
	}
	f.To = max(f.To, f.From+time.Second)
	f.Bucket = bucketOf(f.To - f.From)
	return f
}

// bucketOf is the smallest round bucket, 100 ms at least, that keeps a line
// within mostPoints.
func bucketOf(span time.Duration) time.Duration {
	for unit := 100 * time.Millisecond; ; unit *= 10 {
		for _, k := range []time.Duration{1, 2, 5} {
			if span/(k*unit) < mostPoints {
				return k * unit
			}
		}
	}
}

// lanesOf sorts the load into buckets, in one pass. The final reads are no
// load and are left out.
func lanesOf(r *record.Run, f frame) []lane {
	type series struct {
		region topology.Region
		class  history.Class
	}
	limit := definitionOf(r).Latency
	n := int((f.To-f.From)/f.Bucket) + 1
	due, good := map[series][]int{}, map[series][]int{}
	lat := map[series][][]time.Duration{}
	for i := range r.Ops {
		op := &r.Ops[i]
		b := int((op.Intended - f.From) / f.Bucket)
		if op.Final || op.Class() == history.LocalRead || op.Intended < f.From || b >= n {
			continue
		}
		s := series{op.Region, op.Kind.Class()}
		if due[s] == nil {
			due[s], good[s], lat[s] = make([]int, n), make([]int, n), make([][]time.Duration, n)
		}
		due[s][b]++
		if op.Outcome != history.OK {
			continue
		}
		took := op.Return - op.Intended
		lat[s][b] = append(lat[s][b], took)
		if took <= limit {
			good[s][b]++
		}
	}
	var out []lane
	for _, region := range regionsOf(r) {
		for _, class := range []history.Class{history.Writes, history.Reads} {
			s := series{region, class}
			if due[s] == nil {
				continue
			}
			l := lane{region, class, make([]point, n)}
			for b := range n {
				p := point{At: f.From + time.Duration(b)*f.Bucket, Due: due[s][b], Good: math.NaN(), P50: record.NotReached, P99: record.NotReached}
				if p.Due > 0 {
					p.Good = float64(good[s][b]) / float64(p.Due)
				}
				if ls := lat[s][b]; len(ls) > 0 {
					slices.Sort(ls)
					p.P50, p.P99 = quantile(ls, 0.50), quantile(ls, 0.99)
				}
				l.Points[b] = p
			}
			out = append(out, l)
		}
	}
	return out
}

// quantile is the nearest rank of sorted values.
func quantile(sorted []time.Duration, q float64) time.Duration {
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// regionsOf lists the declared regions, then those that only operations name.
func regionsOf(r *record.Run) []topology.Region {
	out := r.Topology.Regions()
	seen := map[topology.Region]bool{}
	for _, z := range out {
		seen[z] = true
	}
	var extra []topology.Region
	for i := range r.Ops {
		if z := r.Ops[i].Region; !seen[z] {
			seen[z] = true
			extra = append(extra, z)
		}
	}
	slices.Sort(extra)
	return append(out, extra...)
}
