package durability_test

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/check"
	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = checktest.Unit

// judge makes every check on a run in compressed time.
func judge(t *testing.T, r *record.Run) *record.Result {
	t.Helper()
	return check.Judge(t.Context(), r, check.Options{SLO: checktest.SLO})
}

func TestRPO(t *testing.T) {
	cases := []struct {
		name    string
		change  func(t *testing.T, r *record.Run)
		check   string
		verdict record.Verdict
		phrase  string
		// alone is true when no other check of RPO may fail.
		alone bool
	}{
		{"an acknowledged add dropped from the final reads", func(t *testing.T, r *record.Run) {
			op := r.Ops[checktest.Pick(t, r, 500, checktest.IsAdd)]
			checktest.Without(r, op.Key, op.Value)
		}, "rpo", record.Fail, "lost 1 of 1823 acknowledged writes whose loss would show (0.05 %), first: add s", true},
		{"allowed loss", func(t *testing.T, r *record.Run) {
			op := r.Ops[checktest.Pick(t, r, 500, checktest.IsAdd)]
			checktest.Without(r, op.Key, op.Value)
			r.Objectives.RPO = 1
		}, "rpo", record.Pass, "lost 1 of 1823", true},
		{"dropped from one node only", func(t *testing.T, r *record.Run) {
			op := r.Ops[checktest.Pick(t, r, 500, checktest.IsAdd)]
			checktest.Without(r, op.Key, op.Value, "south-1")
		}, "divergence", record.Fail, "on south-1 misses e", true},
		{"a phantom in a set", func(_ *testing.T, r *record.Run) {
			checktest.FinalReads(r, history.SetRead, "", func(op *history.Op) { op.Set = append(slices.Clone(op.Set), "ghost") })
		}, "phantoms", record.Fail, "ghost on east-1, which nobody added", true},
		{"a phantom in a register", func(_ *testing.T, r *record.Run) {
			checktest.FinalReads(r, history.Read, "", func(op *history.Op) { op.Output = "ghost" })
		}, "phantoms", record.Fail, `"ghost" on`, true},
		{"a rejected add that is there", func(t *testing.T, r *record.Run) {
			r.Ops[checktest.Pick(t, r, 500, checktest.IsAdd)].Outcome = history.Failed
		}, "phantoms", record.Fail, "rejected", true},
		{"twice in a set", func(_ *testing.T, r *record.Run) {
			checktest.FinalReads(r, history.SetRead, "north-1", func(op *history.Op) { op.Set = append(slices.Clone(op.Set), op.Set[0]) })
		}, "duplicates", record.Fail, "twice on north-1", true},
		{"the last write of a register is gone", func(t *testing.T, r *record.Run) {
			forget(t, r, "")
		}, "rpo", record.Fail, "lost 1 of 1824 acknowledged writes whose loss would show (0.05 %), first: ", true},
		{"a register that is empty in the end", func(_ *testing.T, r *record.Run) {
			checktest.FinalReads(r, history.Read, "", func(op *history.Op) { op.Output = "" })
		}, "rpo", record.Fail, "acknowledged by north-1 in term 2 to ", true},
		{"a register that differs", func(t *testing.T, r *record.Run) {
			forget(t, r, "south-1")
		}, "divergence", record.Fail, "on south-1", true},
		{"a stale read of a set", func(t *testing.T, r *record.Run) {
			i := checktest.Pick(t, r, 300, func(op *history.Op) bool { return op.Kind == history.SetRead && len(op.Set) > 20 })
			r.Ops[i].Set = r.Ops[i].Set[:len(r.Ops[i].Set)-20]
		}, "stale reads", record.Fail, "missed s", true},
		{"a stale read of a register", func(t *testing.T, r *record.Run) { staleRegister(t, r) }, "stale reads", record.Fail, "and missed", true},
		{"stale reads that are allowed", func(t *testing.T, r *record.Run) {
			staleRegister(t, r)
			r.Objectives.StaleReads = &record.StaleReads{Allowed: true}
		}, "stale reads", record.Pass, "1 reads that missed what was acknowledged before them, by ", true},
		{"a stale read within its age", func(t *testing.T, r *record.Run) {
			staleRegister(t, r)
			r.Objectives.StaleReads = &record.StaleReads{MaxAge: time.Second}
		}, "stale reads", record.Pass, "allowed by the scenario", true},
		{"a stale read beyond its age", func(t *testing.T, r *record.Run) {
			staleRegister(t, r)
			r.Objectives.StaleReads = &record.StaleReads{MaxAge: 2 * ms}
		}, "stale reads", record.Fail, "by more than 2 ms, first: ", true},
		{"a stale read that was asked for", func(t *testing.T, r *record.Run) {
			r.Ops[staleRegister(t, r)].Stale = true
		}, "stale reads", record.Pass, "", true},
		{"one final read failed", func(t *testing.T, r *record.Run) {
			checktest.Fail(&r.Ops[checktest.Pick(t, r, 0, func(op *history.Op) bool { return op.Final })])
		}, "rpo", record.Unknown, "final reads of 1 key failed", true},
		{"one final read failed, and its elements are nowhere else", func(t *testing.T, r *record.Run) {
			op := r.Ops[checktest.Pick(t, r, 500, checktest.IsAdd)]
			checktest.Without(r, op.Key, op.Value, "east-1", "north-1")
			checktest.FinalReads(r, history.SetRead, "south-1", checktest.Fail)
		}, "rpo", record.Unknown, "failed", true},
		{"a final read that failed and was repeated", func(t *testing.T, r *record.Run) {
			i := checktest.Pick(t, r, 0, func(op *history.Op) bool { return op.Final })
			again := r.Ops[i]
			again.Call, again.Return = again.Call+ms, again.Return+ms
			checktest.Fail(&r.Ops[i])
			r.Ops = append(r.Ops, again)
		}, "rpo", record.Pass, "", true},
		{"a node that never answered", func(_ *testing.T, r *record.Run) {
			checktest.FinalReads(r, history.Read, "south-1", checktest.Fail)
			checktest.FinalReads(r, history.SetRead, "south-1", checktest.Fail)
		}, "rpo", record.Unknown, "no final read succeeded through south-1", true},
		{"a voter that was not asked", func(_ *testing.T, r *record.Run) {
			r.Ops = slices.DeleteFunc(r.Ops, func(op history.Op) bool { return op.ReadThrough == "south-1" })
		}, "rpo", record.Unknown, "no final read succeeded through south-1", true},
		{"loss that is proved beside reads that failed", func(t *testing.T, r *record.Run) {
			op := r.Ops[checktest.Pick(t, r, 500, checktest.IsAdd)]
			checktest.Without(r, op.Key, op.Value)
			checktest.Fail(&r.Ops[checktest.Pick(t, r, 0, func(op *history.Op) bool { return op.Final && op.Kind == history.Read })])
		}, "rpo", record.Fail, "lost 1 of", true},
		{"no final reads", func(_ *testing.T, r *record.Run) {
			r.Ops = slices.DeleteFunc(r.Ops, func(op history.Op) bool { return op.Final })
		}, "rpo", record.Unknown, "nothing was read back", false},
		{"nothing acknowledged", func(_ *testing.T, r *record.Run) {
			r.Ops = slices.DeleteFunc(r.Ops, func(op history.Op) bool { return op.Kind.Class() == history.Writes })
			checktest.FinalReads(r, history.SetRead, "", func(op *history.Op) { op.Set = nil })
			checktest.FinalReads(r, history.Read, "", func(op *history.Op) { op.Output = "" })
		}, "rpo", record.Vacuous, "no write was acknowledged", false},
	}
	base := checktest.Lab{}.Run()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.Clone(base)
			c.change(t, r)
			j := judge(t, r)
			checktest.Want(t, j, c.check, c.verdict, c.phrase)
			if !c.alone {
				return
			}
			for _, p := range []string{"rpo", "phantoms", "divergence", "duplicates", "stale reads", "split brain"} {
				if p != c.check {
					checktest.Want(t, j, p, record.Pass)
				}
			}
		})
	}
}

// forget makes the final read of one register show the write before its last.
func forget(t *testing.T, r *record.Run, via topology.NodeID) {
	t.Helper()
	var acked []*history.Op
	for i := range r.Ops {
		op := &r.Ops[i]
		if op.Key == "k3" && op.Outcome == history.OK && (op.Kind == history.Write || op.Kind == history.CAS && op.Applied) {
			acked = append(acked, op)
		}
	}
	old := acked[len(acked)-20].Value
	checktest.FinalReads(r, history.Read, via, func(op *history.Op) {
		if op.Key == "k3" {
			op.Output = old
		}
	})
}

// staleRegister makes one read show a value that was overwritten long before it.
func staleRegister(t *testing.T, r *record.Run) int {
	t.Helper()
	var first string
	i := checktest.Pick(t, r, 0, func(op *history.Op) bool {
		if op.Key != "k3" {
			return false
		}
		if op.Kind == history.Write && first == "" {
			first = op.Value
		}
		return first != "" && op.Kind == history.Read && !op.Final && op.ID > 1590
	})
	r.Ops[i].Output = first
	return i
}
