package reports

import (
	"math"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/history/goodput"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// judgedSLOParams returns the constants that the run was judged with, or the defaults
// for a run that was not judged.
func judgedSLOParams(r *record.Run) record.SLOParams {
	if r.Result == nil {
		return record.SLOParams{}.Resolve()
	}
	return r.Result.SLOParams.Resolve()
}

// maxPoints bounds the points of one line, whatever the length of the run.
const maxPoints = 600

// chartSeries is how the clients of one region were served in one class of operation,
// in buckets of the intended time.
type chartSeries struct {
	Region topology.Region
	Class  history.Class
	Points []point
}

// point is one bucket. Good is NaN where nothing was due; P50 and P99 are
// record.NotReached where nothing was acknowledged.
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
	f.Bucket = bucketOf(f.To-f.From, judgedSLOParams(r).Bucket)
	return f
}

// bucketOf is the smallest round multiple of the judged bucket that keeps a line
// within maxPoints.
func bucketOf(span, judged time.Duration) time.Duration {
	for unit := judged; ; unit *= 10 {
		for _, k := range []time.Duration{1, 2, 5} {
			if span/(k*unit) < maxPoints {
				return k * unit
			}
		}
	}
}

// chartSeriesOf counts the run's operations with the counter that the checks count with.
func chartSeriesOf(r *record.Run, f frame) []chartSeries {
	n := int((f.To-f.From)/f.Bucket) + 1
	count := goodput.Counter{
		From: f.From, End: f.From + time.Duration(n)*f.Bucket, Width: f.Bucket,
		Limit: judgedSLOParams(r).Latency, KeepLatencies: true,
	}
	for i := range r.Ops {
		count.Add(&r.Ops[i])
	}
	var out []chartSeries
	for _, region := range regionsOf(r) {
		for _, class := range []history.Class{history.Writes, history.Reads} {
			s := count.Series[goodput.Key{Region: region, Class: class}]
			if s == nil {
				continue
			}
			l := chartSeries{region, class, make([]point, n)}
			for b := range n {
				p := point{At: f.From + time.Duration(b)*f.Bucket, Good: math.NaN(), P50: record.NotReached, P99: record.NotReached}
				if b < len(s.Buckets) {
					p.fill(&s.Buckets[b])
				}
				l.Points[b] = p
			}
			out = append(out, l)
		}
	}
	return out
}

// fill takes over what was counted in a bucket.
func (p *point) fill(b *goodput.Bucket) {
	if p.Due = int(b.Due); p.Due > 0 {
		p.Good = float64(b.Good) / float64(b.Due)
	}
	if len(b.Latencies) > 0 {
		slices.Sort(b.Latencies)
		p.P50, p.P99 = history.Percentile(b.Latencies, 50), history.Percentile(b.Latencies, 99)
	}
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
