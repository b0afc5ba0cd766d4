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

// goodputPanel shows the share of good operations of a region's clients and,
// below the lines, the outages that were judged. It reports false when there is nothing to draw.
func goodputPanel(r *record.Run, f frame, series []chartSeries, region topology.Region) (plot, panel, bool) {
	p := plot{
		height: successHeight, from: f.From.Seconds(), to: f.To.Seconds(), low: 0, high: 1.04,
		rules: []float64{0, 0.5, 1}, limit: math.NaN(), outageHeight: 12,
	}
	d := panel{Region: clean(string(region)), What: "good operations", Labels: []mark{
		{Text: "100 %", Y: labelY(p, 1)}, {Text: "0", Y: labelY(p, 0)},
	}}
	for _, l := range series {
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
				p.outages = append(p.outages, band{o.From.Seconds(), to.Seconds(), string(s.Class), row})
				title := fmt.Sprintf("%s from %s: outage of %s, %s to %s", classWord(s.Class), clean(string(region)), duration.OrNever(to-o.From), at(o.From), at(o.To))
				d.Hits = append(d.Hits, mark{X: int(o.From), W: int(to), Y: p.height - p.outageHeight + 5*row, Title: title})
			}
		}
	}
	return p, d, len(p.lines) > 0
}

// latencyPanel shows the median and the 99th percentile of the latency of acknowledged
// operations, counted from the intended time.
func latencyPanel(r *record.Run, f frame, series []chartSeries, region topology.Region) (plot, panel, bool) {
	p := plot{
		height: latencyHeight, from: f.From.Seconds(), to: f.To.Seconds(),
		low: 0, high: 0, limit: logMillis(judgedSLOParams(r).Latency),
	}
	d := panel{What: "latency"}
	low, high := latencyRange(series)
	for _, l := range series {
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
				if gapBefore { // so that a bucket without neighbours is a line too
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

// labelY is the vertical position of the label of a value in its panel.
func labelY(p plot, v float64) int {
	inner := float64(p.height - 4 - p.outageHeight)
	return 2 + int(math.Round(inner*(1-(v-p.low)/(p.high-p.low)))) + 3
}

// logMillis is the position of a latency on the logarithmic axis, which begins at 10 µs:
// shorter latencies are not measured reliably.
func logMillis(d time.Duration) float64 {
	if d == record.NotReached {
		return math.NaN()
	}
	return math.Log10(max(float64(d)/float64(time.Millisecond), 0.01))
}

// latencyRange is the range of the latencies of all regions. Every panel has the same
// axis, so that regions can be compared by eye.
func latencyRange(series []chartSeries) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, l := range series {
		for _, pt := range l.Points {
			if pt.P50 != record.NotReached {
				low, high = min(low, logMillis(pt.P50)), max(high, logMillis(pt.P99))
			}
		}
	}
	return low, high
}
