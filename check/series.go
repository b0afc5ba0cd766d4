package check

import (
	"cmp"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// series is what the clients of one region saw of one class of operation, in
// buckets by the time at which each operation was due.
type series struct {
	region topology.Region
	class  history.Class
	def    Definition

	due, good []int32 // by bucket
	acks      []ack

	// Of the baseline, by bucket.
	expected   float64 // due
	throughput float64 // good
	share      float64 // good of due; -1 when nothing was due

	bad    []int32 // bad[i] is the number of bad buckets before i
	sum    []int64 // sum[i] is the number of good operations before i
	stable []int32 // stable[i] is the first bucket from i on that opens a stability window; -1 for none
}

// ack is an acknowledgement.
type ack struct{ call, ret time.Duration }

// newSeries sorts the load of a run into its series, in order of region as
// declared, and reads before writes.
func newSeries(v *view) []*series {
	type name struct {
		region topology.Region
		class  history.Class
	}
	var (
		known = map[name]*series{}
		all   []*series
		n     = int(v.end / v.def.Bucket) // whole buckets only
	)
	for i := range v.run.Ops {
		op := &v.run.Ops[i]
		if op.Final || op.Intended < 0 || op.Class() == history.LocalRead {
			continue
		}
		b := int(op.Intended / v.def.Bucket)
		if b >= n {
			continue
		}
		id := name{op.Region, op.Kind.Class()}
		s := known[id]
		if s == nil {
			s = &series{region: op.Region, class: id.class, def: v.def, due: make([]int32, n), good: make([]int32, n)}
			known[id] = s
			all = append(all, s)
		}
		s.due[b]++
		if good(op, v.def) {
			s.good[b]++
		}
		if op.Outcome == history.OK {
			s.acks = append(s.acks, ack{op.Call, op.Return})
		}
	}
	regions := v.run.Topology.Regions()
	slices.SortFunc(all, func(a, b *series) int {
		if d := slices.Index(regions, a.region) - slices.Index(regions, b.region); d != 0 {
			return d
		}
		if a.region != b.region {
			return cmp.Compare(a.region, b.region)
		}
		return cmp.Compare(a.class, b.class)
	})
	for _, s := range all {
		s.measure(v)
	}
	return all
}

// good says whether an operation was served as its client may expect.
func good(op *history.Op, d Definition) bool {
	return op.Outcome == history.OK && op.Return-op.Intended <= d.Latency
}

// measure takes the baseline and then decides every bucket.
func (s *series) measure(v *view) {
	from := int((v.baseline.From + s.def.Bucket - 1) / s.def.Bucket)
	to := min(int(v.baseline.To/s.def.Bucket), len(s.due))
	// What is due less than the latency limit before the faults may be under way
	// when one strikes: it tells of the fault, not of the baseline.
	if undisturbed := int((v.baseline.To - s.def.Latency) / s.def.Bucket); undisturbed > from {
		to = min(to, undisturbed)
	}
	var due, good int64
	for i := from; i < to; i++ {
		due += int64(s.due[i])
		good += int64(s.good[i])
	}
	s.share = -1
	if due > 0 {
		s.expected = float64(due) / float64(to-from)
		s.throughput = float64(good) / float64(to-from)
		s.share = float64(good) / float64(due)
	}
	s.trim()
	s.decide()
}

// trim cuts off what the load no longer reached: its last operation is due up
// to an interval before the phase ends, which is no stall.
func (s *series) trim() {
	n := len(s.due)
	slack := 2
	if s.expected > 0 {
		slack += int(1 / s.expected)
	}
	for n > 0 && s.due[n-1] == 0 && len(s.due)-n < slack {
		n--
	}
	s.due, s.good = s.due[:n], s.good[:n]
}

// decide fills the sums that make every later question cheap.
func (s *series) decide() {
	n, w := len(s.due), s.window()
	s.bad, s.sum, s.stable = make([]int32, n+1), make([]int64, n+1), make([]int32, n+1)
	for i := range n {
		s.bad[i+1] = s.bad[i]
		if s.isBad(i) {
			s.bad[i+1]++
		}
		s.sum[i+1] = s.sum[i] + int64(s.good[i])
	}
	need := s.def.MinThroughput * s.throughput * float64(w)
	s.stable[n] = -1
	for i := n - 1; i >= 0; i-- {
		s.stable[i] = s.stable[i+1]
		if i+w <= n && s.good[i] > 0 && s.bad[i+w] == s.bad[i] && float64(s.sum[i+w]-s.sum[i]) >= need {
			s.stable[i] = int32(i)
		}
	}
}

// isBad says whether a bucket is bad. One in which nothing was due is bad when
// a fixed schedule must have had something there: a generator that stalled is
// not a service that answers. At low rates an empty bucket is neither bad nor
// good, and the throughput of the window decides.
func (s *series) isBad(i int) bool {
	if s.due[i] == 0 {
		return s.expected >= 2
	}
	return float64(s.good[i]) < s.def.MinGood*float64(s.due[i])
}

// window is the number of buckets in a stability window.
func (s *series) window() int {
	return int((s.def.Stable + s.def.Bucket - 1) / s.def.Bucket)
}

// opens is the first bucket of the first stability window in [from, to), or -1.
func (s *series) opens(from, to int) int {
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

// floor is the bucket that holds an instant, ceil the first that begins at or after it.
func (s *series) floor(t time.Duration) int { return int(t / s.def.Bucket) }
func (s *series) ceil(t time.Duration) int  { return int((t + s.def.Bucket - 1) / s.def.Bucket) }

// start is when a bucket begins.
func (s *series) start(bucket int) time.Duration { return time.Duration(bucket) * s.def.Bucket }
