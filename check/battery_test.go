package check

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Each mutation of a clean history must turn the promises named red, whatever
// the seed chooses. A mutation that goes unseen is a hole in the checks.
func TestMutationsGoRed(t *testing.T) {
	seen := func(op *history.Op) bool {
		return op.Outcome == history.OK && op.Intended > 20*ms && op.Intended < 250*ms
	}
	read := func(op *history.Op) bool {
		return seen(op) && !op.Final && op.Kind == history.Read && op.Output != ""
	}
	mutations := []struct {
		name   string
		mutate func(t *testing.T, r *record.Run, n int)
		red    []string
	}{
		{"an add is lost", func(t *testing.T, r *record.Run, n int) {
			op := r.Ops[pick(t, r, n, func(op *history.Op) bool { return anAdd(op) && seen(op) })]
			without(r, op.Key, op.Value)
		}, []string{"rpo", "linearizable"}},
		{"an add is lost on one node", func(t *testing.T, r *record.Run, n int) {
			op := r.Ops[pick(t, r, n, func(op *history.Op) bool { return anAdd(op) && seen(op) })]
			without(r, op.Key, op.Value, "north-1")
		}, []string{"divergence", "linearizable"}},
		{"an add is lost from every read", func(t *testing.T, r *record.Run, n int) {
			op := r.Ops[pick(t, r, n, func(op *history.Op) bool { return anAdd(op) && seen(op) })]
			for i := range r.Ops {
				r.Ops[i].Set = slices.DeleteFunc(slices.Clone(r.Ops[i].Set), func(s string) bool { return s == op.Value })
			}
		}, []string{"rpo", "linearizable"}},
		{"a phantom is read", func(t *testing.T, r *record.Run, n int) {
			r.Ops[pick(t, r, n, read)].Output = "ghost"
		}, []string{"phantoms", "linearizable"}},
		{"two writes swap their values", func(t *testing.T, r *record.Run, n int) {
			// Of one register, far apart, each followed by a read before the next write.
			swapReads(t, r, n)
		}, []string{"linearizable"}},
		{"a read is stale", func(t *testing.T, r *record.Run, n int) {
			i := pick(t, r, n, read)
			r.Ops[i].Output = ""
		}, []string{"stale reads", "linearizable"}},
		{"a refused compare-and-set was done", func(t *testing.T, r *record.Run, n int) {
			i := pick(t, r, n/4, func(op *history.Op) bool { return seen(op) && op.Kind == history.CAS && op.Applied })
			r.Ops[i].Expect = "another"
		}, []string{"linearizable"}},
		{"a write was refused and is there", func(t *testing.T, r *record.Run, n int) {
			r.Ops[pick(t, r, n, func(op *history.Op) bool { return anAdd(op) && seen(op) })].Outcome = history.Failed
		}, []string{"phantoms", "linearizable"}},
		{"a set holds one twice", func(_ *testing.T, r *record.Run, n int) {
			finalReads(r, history.SetRead, three.Nodes[n%3].ID, func(op *history.Op) { op.Set = append(slices.Clone(op.Set), op.Set[n%len(op.Set)]) })
		}, []string{"duplicates"}},
		{"a final read failed", func(t *testing.T, r *record.Run, n int) {
			fail(&r.Ops[pick(t, r, n%20, func(op *history.Op) bool { return op.Final })])
		}, []string{"rpo"}},
		{"a stall", func(_ *testing.T, r *record.Run, n int) {
			region := three.Regions()[n%3]
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Region == region && op.Kind.Class() == history.Reads && op.Intended >= 101*ms && op.Intended < 410*ms {
					op.Return = op.Intended + small.Latency + 1
				}
			}
		}, []string{"rto"}},
		{"nothing comes back", func(_ *testing.T, r *record.Run, n int) {
			region := three.Regions()[n%3]
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Region == region && op.Kind.Class() == history.Reads && op.Intended >= 350*ms && !op.Final {
					op.Outcome = history.Unknown
				}
			}
		}, []string{"rto"}},
		{"the fault was not felt", func(_ *testing.T, r *record.Run, _ int) { r.Faults[0].Active.Proved = false }, []string{"fault 1.1-kill"}},
		{"a neighbour was hit", func(_ *testing.T, r *record.Run, _ int) { r.Faults[0].ControlUnaffected.Proved = false }, []string{"fault 1.1-kill"}},
		{"the fault is not gone", func(_ *testing.T, r *record.Run, _ int) { r.Faults[0].Cleared.Proved = false }, []string{"fault 1.1-kill"}},
		{"no write succeeds", func(_ *testing.T, r *record.Run, _ int) {
			for i := range r.Ops {
				if r.Ops[i].Kind == history.Write {
					r.Ops[i].Outcome = history.Unknown
				}
			}
		}, []string{"every kind succeeds"}},
	}
	base := lab{fault: 400 * ms}.run()
	clean := judge(t, base)
	if clean.Verdict != record.Pass {
		t.Fatalf("the clean run is %s", clean.Verdict)
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			for seed := range uint64(2) {
				r := clone(base)
				m.mutate(t, r, rand.New(rand.NewPCG(seed, 1)).IntN(200))
				j := judge(t, r)
				if j.Verdict == record.Pass {
					t.Errorf("seed %d: the run passes", seed)
				}
				for _, p := range m.red {
					if f := finding(t, j, p); f.Verdict == record.Pass {
						t.Errorf("seed %d: %s is not red: %s", seed, p, f.Description)
					}
				}
			}
		})
	}
}

// swapReads exchanges what two reads of one register saw, far apart.
func swapReads(t *testing.T, r *record.Run, n int) {
	t.Helper()
	key := ""
	fits := func(op *history.Op) bool {
		return !op.Final && op.Kind == history.Read && op.Output != "" && (key == "" || op.Key == key)
	}
	a := pick(t, r, n, fits)
	key = r.Ops[a].Key
	b := -1
	for i := range r.Ops {
		if fits(&r.Ops[i]) && (r.Ops[i].Call-r.Ops[a].Call).Abs() > 4*ms && r.Ops[i].Output != r.Ops[a].Output {
			b = i
		}
	}
	if b < 0 {
		t.Fatalf("no second read of %s", key)
	}
	r.Ops[a].Output, r.Ops[b].Output = r.Ops[b].Output, r.Ops[a].Output
}

// FuzzJudge: whatever the record holds, there is a judgement, no checker
// panics, and Stable returns.
func FuzzJudge(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("any bytes make a run of some kind; the longer they are the more operations it has"))
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 2))
		b := make([]byte, 400)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := runOf(in)
		j := Judge(context.Background(), r, Options{Definition: small, KeyTime: 50 * ms, Time: time.Second})
		if len(j.Findings) == 0 || j.Verdict == "" {
			t.Fatalf("no judgement: %+v", j)
		}
		for _, f := range j.Findings {
			if strings.Contains(f.Description, "checker") {
				t.Fatalf("%s: %s", f.Check, f.Description)
			}
			if f.Description == "" || f.Verdict == "" {
				t.Fatalf("a finding says nothing: %+v", f)
			}
		}
		Stable(r, small, 300*ms)
	})
}

// runOf reads bytes as choices.
func runOf(in []byte) *record.Run {
	next := func() int {
		if len(in) == 0 {
			return 0
		}
		b := in[0]
		in = in[1:]
		return int(b)
	}
	at := func() time.Duration {
		switch n := next(); {
		case n < 4:
			return record.NotReached
		case n < 6 && len(in) >= 8:
			v := time.Duration(binary.LittleEndian.Uint64(in))
			in = in[8:]
			return v
		default:
			return time.Duration(n*256+next()) * 8 * time.Microsecond
		}
	}
	of := func(names ...string) string { return names[next()%len(names)] }
	r := &record.Run{Meta: record.Meta{Topology: three}}
	r.Objectives.RejectWithoutQuorum, r.Objectives.DisconnectedOperation = next()%2 == 0, next()%2 == 0
	if next()%2 == 0 {
		r.Objectives.ExpectEvents = []record.EventPattern{{Kind: record.EventKind(of("elected", "weights"))}, {Kind: "suspect"}}
	}
	change, most := next()%2 == 0, next()%2
	r.Objectives.LeaderChange, r.Objectives.TrafficSwitch, r.Objectives.FalseAlarms = &change, &change, &most
	for range next() % 4 {
		r.Phases = append(r.Phases, record.Phase{Name: of(record.Baseline, record.Faulty, record.Observing, record.ReadBack), From: at(), To: at()})
	}
	for range next() % 4 {
		f := record.Fault{ID: of("a", "b"), Episode: next() % 3, Inject: record.Times{Requested: at(), Confirmed: at(), Effective: at()}, Heal: record.Times{Requested: at(), Confirmed: at(), Effective: at()}}
		f.Active.Proved = next()%2 == 0
		for range next() % 3 {
			f.Impact.Down = append(f.Impact.Down, topology.NodeID(of("east-1", "north-1", "south-1", "?")))
		}
		r.Faults = append(r.Faults, f)
	}
	for range next() % 3 {
		r.Events = append(r.Events, record.Event{At: at(), Source: record.FromPlatform, Kind: record.EventKind(of("elected", "weights", "suspect", "confirmed")), Node: topology.NodeID(of("east-1", "?")), Fields: map[string]string{"peer": of("east-1", "north-1", "?")}})
	}
	for len(in) > 0 {
		op := history.Op{
			Kind: history.Kind(of("read", "write", "cas", "add", "members", "?")), Key: of("a", "b", ""), Value: of("", "1", "2", "3"),
			Expect: of("", "1", "2"), Output: of("", "1", "2", "9"), Region: topology.Region(of("east", "north", "?")),
			Intended: at(), Call: at(), Return: at(), Outcome: history.Outcome(of("ok", "ok", "failed", "unknown", "?")),
			Applied: next()%2 == 0, Stale: next()%8 == 0, Final: next()%4 == 0, ReadThrough: topology.NodeID(of("", "east-1", "north-1")), Revision: uint64(next() % 5),
		}
		for range next() % 4 {
			op.Set = append(op.Set, of("1", "2", "3", "9"))
		}
		r.Ops = append(r.Ops, op)
	}
	return r
}
