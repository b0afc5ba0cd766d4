package recovery

import (
	"cmp"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/interference"
	"github.com/mcp-resilience/holdfast/check/quorum"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/history/goodput"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// series is how the clients of one region were served in one class of operation,
// in buckets of the intended time, with the sums that make every question about
// it cheap.
type series struct {
	goodput.Key
	slo record.SLOParams

	quiet     []record.Span   // when the load was off on purpose
	due, good []int32         // by bucket; without what the cut-off side acknowledged
	cutOff    []int32         // by bucket: what the cut-off side acknowledged
	opening   []ack           // by bucket: of its good operations the one that was due first
	evident   []time.Duration // by bucket: when it was first certain that an operation was bad; 0 for never
	acks      []ack
	cutOffIn  map[quorum.Window]struct{} // when it did so

	// Of the baseline, by bucket.
	expected   float64 // due
	throughput float64 // good
	share      float64 // good of due; -1 when nothing was due
	baseline   [2]int  // its first bucket, and the one after its last

	bad    []int32 // bad[i] is the number of bad buckets before i
	sum    []int64 // sum[i] is the number of operations before i that were good or that the cut-off side acknowledged
	stable []int32 // stable[i] is the first bucket from i on that opens a stability window; -1 for none
}

// ack is an acknowledgement.
type ack struct{ due, call, ret time.Duration }

// reading is how operations count that were under way while the harness or the machine interfered.
type reading int

const (
	strict  reading = iota // like any other: figures are never too good
	lenient                // as good ones: what is bad then is not the doing of harness or machine
)

// newSeries sorts the load of a run into its series, up to its last whole bucket
// before the end of observation.
func newSeries(run *index.Run, as reading) []*series {
	n := int(run.End / run.SLO.Bucket)
	counter := goodput.Counter{Width: run.SLO.Bucket, Limit: run.SLO.Latency}
	if counter.End = time.Duration(n) * run.SLO.Bucket; n == 0 {
		return nil
	}
	byKey := map[goodput.Key]*series{}
	for i := range run.Record.Ops {
		op := &run.Record.Ops[i]
		if !counter.Counts(op) {
			continue
		}
		s := byKey[goodput.KeyOf(op)]
		if s == nil {
			s = &series{
				Key: goodput.KeyOf(op), slo: run.SLO, quiet: quietSpans(run.Record),
				due: make([]int32, n), good: make([]int32, n), cutOff: make([]int32, n), cutOffIn: map[quorum.Window]struct{}{}, opening: make([]ack, n), evident: make([]time.Duration, n),
			}
			byKey[s.Key] = s
		}
		if w, ok := answeredByCutOff(run, op); ok {
			s.cutOff[s.bucketAt(op.Intended)]++
			s.cutOffIn[w] = struct{}{}
			continue
		}
		if op.Outcome == history.OK {
			s.acks = append(s.acks, ack{op.Intended, op.Call, op.Return})
		}
		counted := *op
		if as == lenient && !op.Good(run.SLO.Latency) && interference.Touches(run.Interference, op.Intended, op.Return) {
			counted.Outcome, counted.Return = history.OK, op.Intended
		}
		counter.Add(&counted)
		s.note(&counted)
	}
	var all []*series
	for key, s := range byKey {
		if counted := counter.Series[key]; counted != nil {
			for i, b := range counted.Buckets {
				s.due[i], s.good[i] = b.Due, b.Good
			}
		}
		s.measureBaseline(run.Baseline)
		s.trim()
		s.sumUp()
		all = append(all, s)
	}
	regions := run.Record.Topology.Regions()
	slices.SortFunc(all, func(a, b *series) int { return compareKeys(regions, a.Key, b.Key) })
	return all
}

// note keeps the instants of an operation that its bucket needs.
func (s *series) note(op *history.Op) {
	i := s.bucketAt(op.Intended)
	if op.Good(s.slo.Latency) {
		if first := s.opening[i]; first.ret == 0 || op.Intended < first.due {
			s.opening[i] = ack{op.Intended, op.Call, op.Return}
		}
		return
	}
	at := op.Intended + s.slo.Latency // an answer that comes later is late, whatever it says
	if op.Outcome != history.OK {
		at = min(at, op.Return)
	}
	if s.evident[i] == 0 || at < s.evident[i] {
		s.evident[i] = at
	}
}

// began is when it was first certain that a bad bucket was bad.
func (s *series) began(bucket int) time.Duration {
	if at := s.evident[bucket]; at > 0 {
		return at
	}
	return s.start(bucket + 1) // nothing was sent, so the generator stood still
}

// compareKeys orders by region as declared, then reads before writes.
func compareKeys(regions []topology.Region, a, b goodput.Key) int {
	return cmp.Or(
		cmp.Compare(slices.Index(regions, a.Region), slices.Index(regions, b.Region)),
		cmp.Compare(a.Region, b.Region),
		cmp.Compare(a.Class, b.Class),
	)
}

// measureBaseline takes the rates of the baseline. What was due less than the
// latency limit before the faults may be under way when one strikes: it shows the
// effect of the fault, and is no part of the baseline.
func (s *series) measureBaseline(baseline record.Span) {
	from := s.bucketFrom(baseline.From)
	to := min(s.bucketAt(baseline.To), len(s.due))
	if undisturbed := s.bucketAt(baseline.To - s.slo.Latency); undisturbed > from {
		to = min(to, undisturbed)
	}
	var due, good int64
	for i := from; i < to; i++ {
		due += int64(s.due[i])
		good += int64(s.good[i])
	}
	s.share, s.baseline = -1, [2]int{from, max(from, to)}
	if due > 0 {
		s.expected = float64(due) / float64(to-from)
		s.throughput = float64(good) / float64(to-from)
		s.share = float64(good) / float64(due)
	}
}

// trim cuts off what the load no longer reached: its last operation is due up
// to an interval before the phase ends, which is no stall.
func (s *series) trim() {
	n := len(s.due)
	slack := 2
	if s.expected > 0 {
		slack += int(1 / s.expected)
	}
	for n > 0 && s.due[n-1]+s.cutOff[n-1] == 0 && len(s.due)-n < slack {
		n--
	}
	s.due, s.good, s.cutOff = s.due[:n], s.good[:n], s.cutOff[:n]
}

// sumUp fills the sums.
func (s *series) sumUp() {
	n, w := len(s.due), s.window()
	s.bad, s.sum, s.stable = make([]int32, n+1), make([]int64, n+1), make([]int32, n+1)
	for i := range n {
		s.bad[i+1] = s.bad[i]
		if s.isBad(i) {
			s.bad[i+1]++
		}
		s.sum[i+1] = s.sum[i] + int64(s.good[i]) + int64(s.cutOff[i]) // both were sent and answered: the load did not stall
	}
	need := s.slo.MinThroughput * s.throughput * float64(w)
	s.stable[n] = -1
	for i := n - 1; i >= 0; i-- {
		s.stable[i] = s.stable[i+1]
		if i+w <= n && s.good[i] > 0 && s.bad[i+w] == s.bad[i] && float64(s.sum[i+w]-s.sum[i]) >= need {
			s.stable[i] = int32(i)
		}
	}
}

// isBad reports whether a bucket is bad. One in which nothing was due is bad when
// a fixed schedule must have had something there: a generator that stalled is
// not a service that answers. At low rates an empty bucket is neither bad nor
// good, and the throughput of the window decides. So is one in which only the cut-off side answered.
func (s *series) isBad(i int) bool {
	if s.due[i] == 0 && s.cutOff[i] > 0 {
		return false
	}
	if s.due[i] == 0 {
		return s.expected >= 2 && !s.isQuiet(i)
	}
	return float64(s.good[i]) < s.slo.MinGood*float64(s.due[i])
}

// quietSpans is when the load of a run was off on purpose.
func quietSpans(r *record.Run) []record.Span {
	var out []record.Span
	for _, w := range r.Windows {
		out = append(out, w.Quiet)
	}
	return out
}

// isQuiet says that the load was off on purpose in a part of the bucket, while a
// window was read back.
func (s *series) isQuiet(i int) bool {
	from, to := s.start(i), s.start(i+1)
	return slices.ContainsFunc(s.quiet, func(q record.Span) bool { return q.From < to && q.To > from })
}

// window is the number of buckets in a stability window.
func (s *series) window() int { return s.bucketFrom(s.slo.Stable) }

// firstStable is the first bucket of the first stability window in [from, to), or -1.
func (s *series) firstStable(from, to int) int {
	if from < 0 || from >= len(s.stable) {
		return -1
	}
	i := int(s.stable[from])
	if i < 0 || i+s.window() > to {
		return -1
	}
	return i
}

// nextBad is the first bad bucket in [from, to), or -1.
func (s *series) nextBad(from, to int) int {
	for i := max(from, 0); i < min(to, len(s.due)); i++ {
		if s.bad[i+1] > s.bad[i] {
			return i
		}
	}
	return -1
}

// unsteadyBaseline reports whether the baseline was long enough for a stability window and had none:
// what the service did not do before the faults cannot be asked of it after them.
func (s *series) unsteadyBaseline() bool {
	from, to := s.baseline[0], s.baseline[1]
	return to-from >= s.window() && s.firstStable(from, to) < 0
}

// resolution is how exact a figure of the series can be: a bucket, or the gap between two
// operations where that is longer.
func (s *series) resolution() time.Duration {
	if s.expected <= 0 {
		return s.slo.Bucket
	}
	return max(s.slo.Bucket, time.Duration(float64(s.slo.Bucket)/s.expected))
}

// dueIn counts the operations that were due in [from, to).
func (s *series) dueIn(from, to int) int {
	n := 0
	for i := max(from, 0); i < min(to, len(s.due)); i++ {
		n += int(s.due[i])
	}
	return n
}

// firstAck is the earliest acknowledgement of an operation that was called
// from an instant on; ok is false if there is none.
func (s *series) firstAck(from time.Duration) (at time.Duration, ok bool) {
	for _, a := range s.acks {
		if a.call >= from && (!ok || a.ret < at) {
			at, ok = a.ret, true
		}
	}
	return at, ok
}

// bucketAt is the bucket that holds an instant, bucketFrom the first that begins at or after it.
func (s *series) bucketAt(t time.Duration) int { return int(t / s.slo.Bucket) }

func (s *series) bucketFrom(t time.Duration) int { return int((t + s.slo.Bucket - 1) / s.slo.Bucket) }

// start is when a bucket begins.
func (s *series) start(bucket int) time.Duration { return time.Duration(bucket) * s.slo.Bucket }
