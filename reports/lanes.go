package reports

import (
	"fmt"
	"math"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// successLane shows the share of good operations, and beneath it the outages
// that were judged.
func successLane(r *record.Run, f frame, lanes []lane, region topology.Region) (plot, drawn, bool) {
	p := plot{
		height: successHeight, from: f.From.Seconds(), to: f.To.Seconds(), low: 0, high: 1.04,
		rules: []float64{0, 0.5, 1}, limit: math.NaN(), floorUnits: 12,
	}
	d := drawn{Region: clean(string(region)), What: "good operations", Labels: []mark{
		{Text: "100 %", Y: labelY(p, 1)}, {Text: "0", Y: labelY(p, 0)},
	}}
	for _, l := range lanes {
		if l.Region != region {
			continue
		}
		out := line{class: string(l.Class), area: true}
		for _, pt := range l.Points {
			from := pt.At.Seconds()
			out.x = append(out.x, from, min(from+f.Bucket.Seconds(), p.to))
			out.y = append(out.y, pt.Good, pt.Good)
		}
		p.lines = append(p.lines, out)
	}
	if r.Result != nil && r.Result.RTO != nil {
		for _, s := range r.Result.RTO.Series {
			if s.Region != region {
				continue
			}
			row := 0
			if s.Class == history.Reads {
				row = 1
			}
			for _, o := range s.Outages {
				to := ends(o.To, f)
				p.beneath = append(p.beneath, stripe{o.From.Seconds(), to.Seconds(), string(s.Class), row})
				title := fmt.Sprintf("%s from %s: outage of %s, %s to %s", classWord(s.Class), clean(string(region)), duration.OrNever(to-o.From), at(o.From), at(o.To))
				d.Hits = append(d.Hits, mark{X: int(o.From), W: int(to), Y: p.height - p.floorUnits + 5*row, Title: title})
			}
		}
	}
	return p, d, len(p.lines) > 0
}

// latencyLane shows median and 99th percentile of what was acknowledged,
// counted from the intended time.
func latencyLane(r *record.Run, f frame, lanes []lane, region topology.Region) (plot, drawn, bool) {
	p := plot{
		height: latencyHeight, from: f.From.Seconds(), to: f.To.Seconds(),
		low: 0, high: 0, limit: logMillis(definitionOf(r).Latency),
	}
	d := drawn{What: "latency"}
	low, high := latencyRange(lanes)
	for _, l := range lanes {
		if l.Region != region {
			continue
		}
		for _, q := range []struct {
			class string
			of    func(point) time.Duration
		}{
			{" p99", func(pt point) time.Duration { return pt.P99 }},
			{" p50", func(pt point) time.Duration { return pt.P50 }},
		} {
			out := line{class: string(l.Class) + q.class}
			for i, pt := range l.Points {
				v := logMillis(q.of(pt))
				x := pt.At.Seconds()
				gapBefore := i == 0 || q.of(l.Points[i-1]) == record.NotReached
				if gapBefore { // a lone bucket is still a stroke
					out.x, out.y = append(out.x, x), append(out.y, v)
				}
				out.x, out.y = append(out.x, min(x+f.Bucket.Seconds(), p.to)), append(out.y, v)
			}
			p.lines = append(p.lines, out)
		}
	}
	if len(p.lines) == 0 || math.IsInf(low, 0) {
		return p, d, false
	}
	p.low, p.high = math.Floor(min(low, 1)), max(math.Ceil(high), p.limit)+0.08
	for _, t := range latencyTicks {
		v := math.Log10(t.ms)
		if v < p.low || v > p.high {
			continue
		}
		if v != p.limit {
			p.rules = append(p.rules, v)
		}
		if p.high-p.low < 3.5 || v == p.limit || v == p.low || v == 1 {
			d.Labels = append(d.Labels, mark{Text: t.text, Y: labelY(p, v)})
		}
	}
	return p, d, true
}

// labelY is where the label of a value stands in its lane.
func labelY(p plot, v float64) int {
	inner := float64(p.height - 4 - p.floorUnits)
	return 2 + int(math.Round(inner*(1-(v-p.low)/(p.high-p.low)))) + 3
}

// logMillis is the place of a latency on the axis; below 10 µs there is no
// telling, so that is its floor.
func logMillis(d time.Duration) float64 {
	if d == record.NotReached {
		return math.NaN()
	}
	return math.Log10(max(float64(d)/float64(time.Millisecond), 0.01))
}

// latencyRange is shared by all lanes, so that they can be compared by eye.
func latencyRange(lanes []lane) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, l := range lanes {
		for _, pt := range l.Points {
			if pt.P50 != record.NotReached {
				low, high = min(low, logMillis(pt.P50)), max(high, logMillis(pt.P99))
			}
		}
	}
	return low, high
}
