package harness

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/history/goodput"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// liveStats counts operations by intended time while the run goes on, so that
// the engine can tell when service is stable and show how it fares. It decides
// nothing about verdicts: check does that from the history, and counts the same way.
type liveStats struct {
	slo record.SLOParams // resolved

	mu      sync.Mutex
	counter goodput.Counter
	acked   int             // writes that were acknowledged
	onAck   func(total int) // called for each of them with the lock held; nil: nobody listens
}

// maxAnnounceDelay is how much later than intended the generator may announce an operation.
const maxAnnounceDelay = 20 * time.Millisecond

func newLiveStats(slo record.SLOParams) *liveStats {
	return &liveStats{slo: slo, counter: goodput.Counter{Width: slo.Bucket, Limit: slo.Latency, KeepLatencies: true}}
}

func (m *liveStats) due(op history.Op) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counter.Due(&op)
}

func (m *liveStats) done(op history.Op) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if op.Class() == history.Writes && op.Outcome == history.OK && (op.Kind != history.CAS || op.Applied) {
		m.acked++
		if m.onAck != nil {
			m.onAck(m.acked)
		}
	}
	m.counter.Done(&op)
}

// decided is the number of buckets, from the run's start, that can no longer
// change at that time: every operation due in them is done, or too slow to be good.
func (m *liveStats) decided(now time.Duration) int {
	end := int((now - maxAnnounceDelay) / m.slo.Bucket)
	for i := max(0, int((now-m.slo.Latency-maxAnnounceDelay)/m.slo.Bucket)); i < end; i++ {
		for _, s := range m.counter.Series {
			if i >= len(s.Buckets) || s.Buckets[i].Done < s.Buckets[i].Due {
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
	if len(m.counter.Series) == 0 {
		return 0
	}
	end := m.decided(now)
	first := int((since + m.slo.Bucket - 1) / m.slo.Bucket)
	for _, s := range m.counter.Series {
		for i := end - 1; i >= first; i-- {
			if i >= len(s.Buckets) || s.Buckets[i].Due == 0 || s.Buckets[i].Good < s.Buckets[i].Due {
				first = i + 1
				break
			}
		}
	}
	return time.Duration(max(0, end-first)) * m.slo.Bucket
}

// goodput is the share of good operations, 0 to 1, over the last decided second,
// of the given regions or of all; 0 when none was due.
func (m *liveStats) goodput(now, since time.Duration, regions []topology.Region) float64 {
	due, good := 0, 0.0
	for _, r := range m.ratesSince(now, since) {
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
func (m *liveStats) rates(now time.Duration) []Rate { return m.ratesSince(now, 0) }

// ratesSince is rates without what was due before an instant.
func (m *liveStats) ratesSince(now, since time.Duration) []Rate {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := m.decided(now)
	sums := map[topology.Region]*goodput.Bucket{}
	for key, s := range m.counter.Series {
		sum := sums[key.Region]
		if sum == nil {
			sum = &goodput.Bucket{}
			sums[key.Region] = sum
		}
		first := int((since + m.slo.Bucket - 1) / m.slo.Bucket)
		for i := max(first, end-int(time.Second/m.slo.Bucket)); i < min(end, len(s.Buckets)); i++ {
			b := &s.Buckets[i]
			sum.Due += b.Due
			sum.Good += b.Good
			sum.Latencies = append(sum.Latencies, b.Latencies...)
		}
	}
	out := make([]Rate, 0, len(sums))
	for region, sum := range sums {
		slices.Sort(sum.Latencies)
		r := Rate{Region: string(region), Due: int(sum.Due), P99: history.Percentile(sum.Latencies, 99)}
		if sum.Due > 0 {
			r.OK = float64(sum.Good) / float64(sum.Due)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Rate) int { return cmp.Compare(a.Region, b.Region) })
	return out
}
