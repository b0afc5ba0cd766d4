package harness

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// liveStats counts operations by intended time while the run goes on, so that
// the engine can tell when service is stable and show how it fares. It decides
// nothing about verdicts: check does that from the history.
type liveStats struct {
	slo record.SLOParams // resolved

	mu     sync.Mutex
	series map[seriesKey]*[]bucket
	acked  int // writes that were acknowledged
}

type seriesKey struct {
	region topology.Region
	class  history.Class
}

// bucket is the operations of one series that were due within one width of slo.Bucket.
type bucket struct {
	due, done, good int
	latencies       []time.Duration // of good ones
}

// maxAnnounceDelay is how much later than intended the generator may announce an operation.
const maxAnnounceDelay = 20 * time.Millisecond

func newLiveStats(slo record.SLOParams) *liveStats {
	return &liveStats{slo: slo, series: map[seriesKey]*[]bucket{}}
}

func (m *liveStats) at(op history.Op) *bucket {
	key := seriesKey{op.Region, op.Kind.Class()}
	s := m.series[key]
	if s == nil {
		s = new([]bucket)
		m.series[key] = s
	}
	i := int(op.Intended / m.slo.Bucket)
	for len(*s) <= i {
		*s = append(*s, bucket{})
	}
	return &(*s)[i]
}

func (m *liveStats) due(op history.Op) {
	if op.Class() == history.LocalRead {
		return // no service is measured by it
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at(op).due++
}

func (m *liveStats) done(op history.Op) {
	if op.Class() == history.LocalRead {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if op.Outcome == history.OK && op.Kind.Class() == history.Writes && (op.Kind != history.CAS || op.Applied) {
		m.acked++
	}
	b := m.at(op)
	b.done++
	if latency := op.Return - op.Intended; op.Outcome == history.OK && latency <= m.slo.Latency {
		b.good++
		b.latencies = append(b.latencies, latency)
	}
}

// decided is the number of buckets, from the run's start, that can no longer
// change at that time: every operation due in them is done, or too slow to be good.
func (m *liveStats) decided(now time.Duration) int {
	end := int((now - maxAnnounceDelay) / m.slo.Bucket)
	for i := max(0, int((now-m.slo.Latency-maxAnnounceDelay)/m.slo.Bucket)); i < end; i++ {
		for _, s := range m.series {
			if i >= len(*s) || (*s)[i].done < (*s)[i].due {
				return i
			}
		}
	}
	return max(0, end)
}

// stable is how long, up to the last decided bucket, every series has been all
// good, counting only what was due after the instant since.
func (m *liveStats) stable(now, since time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.series) == 0 {
		return 0
	}
	end := m.decided(now)
	first := int((since + m.slo.Bucket - 1) / m.slo.Bucket)
	for _, s := range m.series {
		for i := end - 1; i >= first; i-- {
			if i >= len(*s) || (*s)[i].due == 0 || (*s)[i].good < (*s)[i].due {
				first = i + 1
				break
			}
		}
	}
	return time.Duration(max(0, end-first)) * m.slo.Bucket
}

// goodput is the share of good operations, 0 to 1, over the last decided second,
// of the given regions or of all; 0 when none was due.
func (m *liveStats) goodput(now time.Duration, regions []topology.Region) float64 {
	due, good := 0, 0.0
	for _, r := range m.rates(now) {
		if len(regions) == 0 || slices.Contains(regions, topology.Region(r.Region)) {
			due, good = due+r.Due, good+r.OK*float64(r.Due)
		}
	}
	if due == 0 {
		return 0
	}
	return good / float64(due)
}

// acknowledged is how many writes were acknowledged so far.
func (m *liveStats) acknowledged() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.acked
}

// rates is what each region saw over the last decided second.
func (m *liveStats) rates(now time.Duration) []Rate {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := m.decided(now)
	sums := map[topology.Region]*bucket{}
	for key, s := range m.series {
		sum := sums[key.region]
		if sum == nil {
			sum = &bucket{}
			sums[key.region] = sum
		}
		for i := max(0, end-int(time.Second/m.slo.Bucket)); i < min(end, len(*s)); i++ {
			sum.due += (*s)[i].due
			sum.good += (*s)[i].good
			sum.latencies = append(sum.latencies, (*s)[i].latencies...)
		}
	}
	out := make([]Rate, 0, len(sums))
	for region, sum := range sums {
		r := Rate{Region: string(region), Due: sum.due}
		if sum.due > 0 {
			r.OK = float64(sum.good) / float64(sum.due)
		}
		if n := len(sum.latencies); n > 0 {
			slices.Sort(sum.latencies)
			r.P99 = sum.latencies[n*99/100]
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Rate) int { return cmp.Compare(a.Region, b.Region) })
	return out
}
