package check

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// Each mutation of a clean history must fail the checks named, whatever
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
			op := r.Ops[checktest.Pick(t, r, n, func(op *history.Op) bool { return checktest.IsAdd(op) && seen(op) })]
			checktest.Without(r, op.Key, op.Value)
		}, []string{"rpo", "linearizable"}},
		{"an add is lost on one node", func(t *testing.T, r *record.Run, n int) {
			op := r.Ops[checktest.Pick(t, r, n, func(op *history.Op) bool { return checktest.IsAdd(op) && seen(op) })]
			checktest.Without(r, op.Key, op.Value, "north-1")
		}, []string{"divergence", "linearizable"}},
		{"an add is lost from every read", func(t *testing.T, r *record.Run, n int) {
			op := r.Ops[checktest.Pick(t, r, n, func(op *history.Op) bool { return checktest.IsAdd(op) && seen(op) })]
			for i := range r.Ops {
				r.Ops[i].Set = slices.DeleteFunc(slices.Clone(r.Ops[i].Set), func(s string) bool { return s == op.Value })
			}
		}, []string{"rpo", "linearizable"}},
		{"a phantom is read", func(t *testing.T, r *record.Run, n int) {
			r.Ops[checktest.Pick(t, r, n, read)].Output = "ghost"
		}, []string{"phantoms", "linearizable"}},
		{"two writes swap their values", func(t *testing.T, r *record.Run, n int) {
			// Of one register, far apart, each followed by a read before the next write.
			swapReads(t, r, n)
		}, []string{"linearizable"}},
		{"a read is stale", func(t *testing.T, r *record.Run, n int) {
			i := checktest.Pick(t, r, n, read)
			r.Ops[i].Output = ""
		}, []string{"stale reads", "linearizable"}},
		{"a rejected compare-and-set was done", func(t *testing.T, r *record.Run, n int) {
			i := checktest.Pick(t, r, n/4, func(op *history.Op) bool { return seen(op) && op.Kind == history.CAS && op.Applied })
			r.Ops[i].Expect = "another"
		}, []string{"linearizable"}},
		{"a write was rejected and is there", func(t *testing.T, r *record.Run, n int) {
			r.Ops[checktest.Pick(t, r, n, func(op *history.Op) bool { return checktest.IsAdd(op) && seen(op) })].Outcome = history.Failed
		}, []string{"phantoms", "linearizable"}},
		{"a set holds one twice", func(_ *testing.T, r *record.Run, n int) {
			checktest.FinalReads(r, history.SetRead, checktest.Three.Nodes[n%3].ID, func(op *history.Op) { op.Set = append(slices.Clone(op.Set), op.Set[n%len(op.Set)]) })
		}, []string{"duplicates"}},
		{"a final read failed", func(t *testing.T, r *record.Run, n int) {
			checktest.Fail(&r.Ops[checktest.Pick(t, r, n%20, func(op *history.Op) bool { return op.Final })])
		}, []string{"rpo"}},
		{"a stall", func(_ *testing.T, r *record.Run, n int) {
			region := checktest.Three.Regions()[n%3]
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Region == region && op.Kind.Class() == history.Reads && op.Intended >= 101*ms && op.Intended < 410*ms {
					op.Return = op.Intended + checktest.SLO.Latency + 1
				}
			}
		}, []string{"rto"}},
		{"nothing comes back", func(_ *testing.T, r *record.Run, n int) {
			region := checktest.Three.Regions()[n%3]
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Region == region && op.Kind.Class() == history.Reads && op.Intended >= 350*ms && !op.Final {
					op.Outcome = history.Unknown
				}
			}
		}, []string{"rto"}},
		{"the fault was not active", func(_ *testing.T, r *record.Run, _ int) { r.Faults[0].Active.Proved = false }, []string{"fault 1.1-kill"}},
		{"the control was affected", func(_ *testing.T, r *record.Run, _ int) { r.Faults[0].ControlUnaffected.Proved = false }, []string{"fault 1.1-kill"}},
		{"the fault was not cleared", func(_ *testing.T, r *record.Run, _ int) { r.Faults[0].Cleared.Proved = false }, []string{"fault 1.1-kill"}},
		{"no write succeeds", func(_ *testing.T, r *record.Run, _ int) {
			for i := range r.Ops {
				if r.Ops[i].Kind == history.Write {
					r.Ops[i].Outcome = history.Unknown
				}
			}
		}, []string{"every kind succeeds"}},
	}
	base := checktest.Lab{Fault: 400 * ms}.Run()
	clean := judge(t, base)
	if clean.Verdict != record.Pass {
		t.Fatalf("the clean run is %s", clean.Verdict)
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			for seed := range uint64(2) {
				r := checktest.Clone(base)
				m.mutate(t, r, rand.New(rand.NewPCG(seed, 1)).IntN(200))
				j := judge(t, r)
				if j.Verdict == record.Pass {
					t.Errorf("seed %d: the run passes", seed)
				}
				for _, p := range m.red {
					if f := checktest.Finding(t, j, p); f.Verdict == record.Pass {
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
	a := checktest.Pick(t, r, n, fits)
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
