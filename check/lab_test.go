package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

// small is the definition with time compressed a hundredfold: a bucket is
// 1 ms, the stability window 50 ms, and 300 ms stand for 30 s.
var small = Definition{Bucket: ms, Latency: 10 * ms, Merge: 10 * ms, Stable: 50 * ms}

// lab makes the record of a run that never took place, on a perfect store.
// The zero value is a run with one fault that nobody notices.
type lab struct {
	baseline time.Duration // 0 means 100 ms
	fault    time.Duration // how long it lasts; 0 means 100 ms
	observe  time.Duration // after heal; 0 means 100 ms
	episodes int           // 0 means 1
	interval time.Duration // between two operations of a series; 0 means 200 µs
	// down says that an operation gets no answer and takes no effect.
	down func(r topology.Region, c history.Class, due time.Duration) bool
	// slow is added to an operation's latency, which is 300 µs.
	slow func(r topology.Region, c history.Class, due time.Duration) time.Duration
	// cut is the damage of the fault.
	cut topology.FaultImpact
}

var three = topology.Topology{
	RegionSpecs: []topology.RegionSpec{{Region: "east", Weight: 70}, {Region: "north", Weight: 20}, {Region: "south", Weight: 10}},
	Nodes: []topology.Node{
		{ID: "east-1", Region: "east", Voter: true},
		{ID: "north-1", Region: "north", Voter: true},
		{ID: "south-1", Region: "south", Voter: true},
	},
}

func (l lab) resolve() lab {
	for _, d := range []*time.Duration{&l.baseline, &l.fault, &l.observe} {
		if *d == 0 {
			*d = 100 * ms
		}
	}
	if l.episodes == 0 {
		l.episodes = 1
	}
	if l.interval == 0 {
		l.interval = 200 * time.Microsecond
	}
	return l
}

func (l lab) run() *record.Run {
	l = l.resolve()
	r := &record.Run{Meta: record.Meta{
		Topology: three, Expect: record.Pass, HasRejectionMarks: true,
		Objectives: record.Objectives{RTO: 300 * ms}.Resolve(),
	}}
	var steps []string
	at := l.baseline
	for e := range l.episodes {
		id := fmt.Sprintf("%d.1-kill", e+1)
		steps = append(steps, fmt.Sprintf("{\"id\":%q}", id))
		r.Faults = append(r.Faults, record.Fault{
			ID: id, Name: "kill", Episode: e + 1, Description: "kill east-1", Impact: l.cut,
			Inject: record.Times{Planned: at, Requested: at, Confirmed: at + ms, Effective: at + ms},
			Heal:   record.Times{Planned: at + l.fault, Requested: at + l.fault, Confirmed: at + l.fault + ms, Effective: at + l.fault + ms},
			Active: record.Proof{Proved: true, Observed: "exit"}, Cleared: record.Proof{Proved: true, Observed: "answer"}, ControlUnaffected: record.Proof{Proved: true, Observed: "answer"},
		})
		at += l.fault
		if e < l.episodes-1 {
			at += l.observe
		}
	}
	r.Plan = []byte(`{"steps":[` + strings.Join(steps, ",") + `]}`)
	end := at + l.observe
	r.Phases = []record.Phase{
		{Name: record.Baseline, From: 0, To: l.baseline},
		{Name: record.Faulty, From: l.baseline, To: at},
		{Name: record.Observing, From: at, To: end},
		{Name: record.ReadBack, From: end, To: end + 10*ms},
	}
	r.Ops = l.load(end)
	r.Ops = append(r.Ops, readBack(r.Ops, end)...)
	return r
}

// clone copies what tests change.
func clone(r *record.Run) *record.Run {
	c := *r
	c.Ops, c.Faults, c.Phases, c.Events = slices.Clone(r.Ops), slices.Clone(r.Faults), slices.Clone(r.Phases), slices.Clone(r.Events)
	return &c
}

// load sends the fixed schedule of every series to a store that is one map.
func (l lab) load(end time.Duration) []history.Op {
	var ops []history.Op
	n := 0
	for due := time.Duration(0); due < end; due += l.interval {
		for ri, region := range three.Regions() {
			for _, class := range []history.Class{history.Reads, history.Writes} {
				n++
				op := history.Op{ID: int64(n), Client: ri, Region: region, Key: fmt.Sprintf("k%d", n/400), Intended: due, Call: due + time.Duration(n%7)*time.Microsecond, Outcome: history.OK, Node: "north-1", Term: 2}
				set := fmt.Sprintf("s%d", n/2000)
				switch {
				case class == history.Reads && n%11 == 0:
					op.Kind, op.Key = history.SetRead, set
				case class == history.Reads:
					op.Kind = history.Read
				case n%5 < 2:
					op.Kind, op.Value = history.Write, fmt.Sprint("v", n)
				case n%5 == 2:
					op.Kind, op.Value, op.Expect = history.CAS, fmt.Sprint("v", n), "?"
				default:
					op.Kind, op.Key, op.Value = history.Add, set, fmt.Sprint("e", n)
				}
				op.Return = op.Call + 300*time.Microsecond
				if l.slow != nil {
					op.Return += l.slow(region, class, due)
				}
				if l.down != nil && l.down(region, class, due) {
					op.Outcome, op.Error, op.Return = history.Unknown, "deadline exceeded", op.Call+20*ms
				}
				ops = append(ops, op)
			}
		}
	}
	slices.SortFunc(ops, func(a, b history.Op) int { return int(a.Call - b.Call) })
	s := newStore()
	for i := range ops {
		if ops[i].Outcome == history.OK {
			s.do(&ops[i])
		}
	}
	return ops
}

// readBack reads everything through every node, after all of ops.
func readBack(ops []history.Op, at time.Duration) []history.Op {
	s := newStore()
	var keys []history.Op
	known := map[string]bool{}
	last := at
	for i := range ops {
		op := ops[i]
		last = max(last, op.Return)
		if op.Outcome == history.OK {
			s.do(&op)
		}
		kind := history.Read
		if op.Kind == history.Add || op.Kind == history.SetRead {
			kind = history.SetRead
		}
		if !known[op.Key] {
			known[op.Key] = true
			keys = append(keys, history.Op{Kind: kind, Key: op.Key})
		}
	}
	var out []history.Op
	for _, n := range three.Nodes {
		for _, op := range keys {
			last += 10 * time.Microsecond
			op.ID, op.Final, op.ReadThrough, op.Region = int64(len(ops)+len(out)+1), true, n.ID, n.Region
			op.Intended, op.Call, op.Return, op.Outcome = last, last, last+5*time.Microsecond, history.OK
			s.do(&op)
			out = append(out, op)
		}
	}
	return out
}

// store is a perfect system.
type store struct {
	registers map[string]string
	sets      map[string][]string
}

func newStore() *store { return &store{map[string]string{}, map[string][]string{}} }

func (s *store) do(op *history.Op) {
	switch op.Kind {
	case history.Read:
		op.Output = s.registers[op.Key]
	case history.Write:
		s.registers[op.Key] = op.Value
	case history.CAS:
		if op.Expect == "?" { // what is there, most of the time
			if op.Expect = s.registers[op.Key]; op.ID%3 == 0 {
				op.Expect = "other"
			}
		}
		if op.Applied = s.registers[op.Key] == op.Expect; op.Applied {
			s.registers[op.Key] = op.Value
		}
	case history.Add:
		s.sets[op.Key] = append(s.sets[op.Key], op.Value)
	case history.SetRead:
		op.Set = slices.Clone(s.sets[op.Key])
	}
}

func judge(t *testing.T, r *record.Run) *record.Result {
	t.Helper()
	return Judge(context.Background(), r, Options{Definition: small})
}

// finding returns the finding of a promise.
func finding(t *testing.T, j *record.Result, promise string) record.Finding {
	t.Helper()
	for _, f := range j.Findings {
		if f.Check == promise {
			return f
		}
	}
	t.Fatalf("no finding on %q among %+v", promise, j.Findings)
	return record.Finding{}
}

// want fails unless the promise came out as v and says all of the phrases.
func want(t *testing.T, j *record.Result, promise string, v record.Verdict, phrases ...string) {
	t.Helper()
	f := finding(t, j, promise)
	if f.Verdict != v {
		t.Errorf("%s is %s, want %s: %s", promise, f.Verdict, v, f.Description)
	}
	for _, p := range phrases {
		if !strings.Contains(f.Description, p) {
			t.Errorf("%s says %q, want %q in it", promise, f.Description, p)
		}
	}
}
