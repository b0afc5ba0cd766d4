package check

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// pick returns the place of the nth operation that fits.
func pick(t *testing.T, r *record.Run, n int, fits func(*history.Op) bool) int {
	t.Helper()
	for i := range r.Ops {
		if fits(&r.Ops[i]) {
			if n == 0 {
				return i
			}
			n--
		}
	}
	t.Fatal("no such operation")
	return -1
}

func anAdd(op *history.Op) bool { return op.Kind == history.Add && op.Outcome == history.OK }

// without takes a value out of the final reads of a set through some nodes.
func without(r *record.Run, key, value string, nodes ...topology.NodeID) {
	for i := range r.Ops {
		if op := &r.Ops[i]; op.Final && op.Key == key && (len(nodes) == 0 || slices.Contains(nodes, op.ReadThrough)) {
			op.Set = slices.DeleteFunc(slices.Clone(op.Set), func(s string) bool { return s == value })
		}
	}
}

// finalReads calls change for each final read that fits.
func finalReads(r *record.Run, kind history.Kind, via topology.NodeID, change func(*history.Op)) {
	for i := range r.Ops {
		if op := &r.Ops[i]; op.Final && op.Kind == kind && (via == "" || op.ReadThrough == via) {
			change(op)
		}
	}
}

func fail(op *history.Op) {
	op.Outcome, op.Error, op.Set, op.Output = history.Unknown, "deadline exceeded", nil, ""
}

func TestRPO(t *testing.T) {
	cases := []struct {
		name    string
		change  func(t *testing.T, r *record.Run)
		promise string
		verdict record.Verdict
		says    string
		// alone says that no other promise of rpo may be red.
		alone bool
	}{
		{"an acknowledged add dropped from the final reads", func(t *testing.T, r *record.Run) {
			op := r.Ops[pick(t, r, 500, anAdd)]
			without(r, op.Key, op.Value)
		}, "rpo", record.Fail, "lost 1 of 4200 acknowledged writes, first: add s", true},
		{"allowed loss", func(t *testing.T, r *record.Run) {
			op := r.Ops[pick(t, r, 500, anAdd)]
			without(r, op.Key, op.Value)
			r.Objectives.RPO = 1
		}, "rpo", record.Pass, "lost 1 of 4200", true},
		{"dropped from one node only", func(t *testing.T, r *record.Run) {
			op := r.Ops[pick(t, r, 500, anAdd)]
			without(r, op.Key, op.Value, "south-1")
		}, "divergence", record.Fail, "on south-1 misses e", true},
		{"a phantom in a set", func(_ *testing.T, r *record.Run) {
			finalReads(r, history.SetRead, "", func(op *history.Op) { op.Set = append(slices.Clone(op.Set), "ghost") })
		}, "phantoms", record.Fail, "ghost on east-1, which nobody added", true},
		{"a phantom in a register", func(_ *testing.T, r *record.Run) {
			finalReads(r, history.Read, "", func(op *history.Op) { op.Output = "ghost" })
		}, "phantoms", record.Fail, `"ghost" on`, true},
		{"a refused add that is there", func(t *testing.T, r *record.Run) {
			r.Ops[pick(t, r, 500, anAdd)].Outcome = history.Failed
		}, "phantoms", record.Fail, "refused", true},
		{"twice in a set", func(_ *testing.T, r *record.Run) {
			finalReads(r, history.SetRead, "north-1", func(op *history.Op) { op.Set = append(slices.Clone(op.Set), op.Set[0]) })
		}, "duplicates", record.Fail, "twice on north-1", true},
		{"the last write of a register is gone", func(t *testing.T, r *record.Run) {
			forget(t, r, "")
		}, "rpo", record.Fail, "lost 1 of 4200 acknowledged writes, first: ", true},
		{"a register that is empty in the end", func(_ *testing.T, r *record.Run) {
			finalReads(r, history.Read, "", func(op *history.Op) { op.Output = "" })
		}, "rpo", record.Fail, "acknowledged by north-1 in term 2 to ", true},
		{"a register that differs", func(t *testing.T, r *record.Run) {
			forget(t, r, "south-1")
		}, "divergence", record.Fail, "on south-1", true},
		{"a stale read of a set", func(t *testing.T, r *record.Run) {
			i := pick(t, r, 300, func(op *history.Op) bool { return op.Kind == history.SetRead && len(op.Set) > 20 })
			r.Ops[i].Set = r.Ops[i].Set[:len(r.Ops[i].Set)-20]
		}, "stale reads", record.Fail, "missed s", true},
		{"a stale read of a register", func(t *testing.T, r *record.Run) { staleRegister(t, r) }, "stale reads", record.Fail, "and missed", true},
		{"a stale read that was asked for", func(t *testing.T, r *record.Run) {
			r.Ops[staleRegister(t, r)].Stale = true
		}, "stale reads", record.Pass, "", true},
		{"one final read failed", func(t *testing.T, r *record.Run) {
			fail(&r.Ops[pick(t, r, 0, func(op *history.Op) bool { return op.Final })])
		}, "rpo", record.Unknown, "final reads of 1 key failed", true},
		{"one final read failed, and its elements are nowhere else", func(t *testing.T, r *record.Run) {
			op := r.Ops[pick(t, r, 500, anAdd)]
			without(r, op.Key, op.Value, "east-1", "north-1")
			finalReads(r, history.SetRead, "south-1", fail)
		}, "rpo", record.Unknown, "failed", true},
		{"a final read that failed and was repeated", func(t *testing.T, r *record.Run) {
			i := pick(t, r, 0, func(op *history.Op) bool { return op.Final })
			again := r.Ops[i]
			again.Call, again.Return = again.Call+ms, again.Return+ms
			fail(&r.Ops[i])
			r.Ops = append(r.Ops, again)
		}, "rpo", record.Pass, "", true},
		{"a node that never answered", func(_ *testing.T, r *record.Run) {
			finalReads(r, history.Read, "south-1", fail)
			finalReads(r, history.SetRead, "south-1", fail)
		}, "rpo", record.Unknown, "no final read succeeded through south-1", true},
		{"a voter that was not asked", func(_ *testing.T, r *record.Run) {
			r.Ops = slices.DeleteFunc(r.Ops, func(op history.Op) bool { return op.ReadThrough == "south-1" })
		}, "rpo", record.Unknown, "no final read succeeded through south-1", true},
		{"loss that is proved beside reads that failed", func(t *testing.T, r *record.Run) {
			op := r.Ops[pick(t, r, 500, anAdd)]
			without(r, op.Key, op.Value)
			fail(&r.Ops[pick(t, r, 0, func(op *history.Op) bool { return op.Final && op.Kind == history.Read })])
		}, "rpo", record.Fail, "lost 1 of", true},
		{"no final reads", func(_ *testing.T, r *record.Run) {
			r.Ops = slices.DeleteFunc(r.Ops, func(op history.Op) bool { return op.Final })
		}, "rpo", record.Unknown, "nothing was read back", false},
		{"nothing acknowledged", func(_ *testing.T, r *record.Run) {
			r.Ops = slices.DeleteFunc(r.Ops, func(op history.Op) bool { return op.Kind.Class() == history.Writes })
			finalReads(r, history.SetRead, "", func(op *history.Op) { op.Set = nil })
			finalReads(r, history.Read, "", func(op *history.Op) { op.Output = "" })
		}, "rpo", record.Vacuous, "no write was acknowledged", false},
	}
	base := lab{}.run()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := clone(base)
			c.change(t, r)
			j := judge(t, r)
			want(t, j, c.promise, c.verdict, c.says)
			if !c.alone {
				return
			}
			for _, p := range []string{"rpo", "phantoms", "divergence", "duplicates", "stale reads", "split brain"} {
				if p != c.promise {
					want(t, j, p, record.Pass)
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
	finalReads(r, history.Read, via, func(op *history.Op) {
		if op.Key == "k3" {
			op.Output = old
		}
	})
}

// staleRegister makes one read show a value that was overwritten long before it.
func staleRegister(t *testing.T, r *record.Run) int {
	t.Helper()
	var first string
	i := pick(t, r, 0, func(op *history.Op) bool {
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

func TestLostWriteHasItsWitness(t *testing.T) {
	r := lab{}.run()
	var lost []history.Op
	for i := range r.Ops {
		if op := r.Ops[i]; anAdd(&op) && op.Return > 90*ms && op.Return < 105*ms {
			lost = append(lost, op)
			without(r, op.Key, op.Value)
		}
	}
	p := judge(t, r).RPO
	if p.LostCount != len(lost) || len(p.Lost) != len(lost) {
		t.Fatalf("lost %d, want %d", p.LostCount, len(lost))
	}
	first, last := lost[0], lost[len(lost)-1]
	if p.Lost[0].Op.ID != first.ID || p.LossWindow != last.Return-first.Return {
		t.Errorf("first lost %+v over %v", p.Lost[0].Op, p.LossWindow)
	}
	if got, want := p.Lost[0].Position, "10 ms before 1.1-kill"; got != want {
		t.Errorf("position %q, want %q", got, want)
	}
	if len(p.Lost[0].Missing) != 3 {
		t.Errorf("missing on %v, want all nodes", p.Lost[0].Missing)
	}
}

// What reads showed while the run lasted is told of a lost write: who answered them.
func TestLostWriteWasSeenOnNodes(t *testing.T) {
	t.Run("set", func(t *testing.T) {
		r := lab{}.run()
		i := pick(t, r, 90, anAdd)
		lost := r.Ops[i]
		without(r, lost.Key, lost.Value)
		for k := range r.Ops {
			if op := &r.Ops[k]; op.Kind == history.SetRead && !op.Final {
				op.Set = slices.DeleteFunc(slices.Clone(op.Set), func(v string) bool { return v == lost.Value })
			}
		}
		if got := judge(t, r).RPO.Lost[0].HeldBy; len(got) != 0 {
			t.Errorf("nobody read it, and yet seen on %v", got)
		}
		for k, node := range []topology.NodeID{"south-1", "north-1", "south-1", ""} {
			r.Ops = append(r.Ops, history.Op{
				ID: int64(1e6 + k), Region: "east", Kind: history.SetRead, Key: lost.Key, Set: []string{lost.Value}, Node: node,
				Intended: lost.Return, Call: lost.Return, Return: lost.Return + ms, Outcome: history.OK, Stale: k == 0,
			})
		}
		failed, other := r.Ops[len(r.Ops)-2], r.Ops[len(r.Ops)-2]
		failed.ID, failed.Node, failed.Outcome = 2e6, "east-1", history.Unknown
		other.ID, other.Node, other.Set = 2e6+1, "east-1", nil
		r.Ops = append(r.Ops, failed, other)
		p := judge(t, r).RPO
		if diff := cmp.Diff([]topology.NodeID{"north-1", "south-1"}, p.Lost[0].HeldBy); diff != "" {
			t.Errorf("seen on (-want +got):\n%s", diff)
		}
	})
	t.Run("register", func(t *testing.T) {
		lost := []record.LostWrite{{Op: history.Op{Kind: history.Write, Key: "k", Value: "2", Call: 10, Return: 20}}}
		v := &view{run: &record.Run{Ops: []history.Op{
			{Kind: history.Read, Key: "k", Output: "2", Node: "early", Call: 1, Return: 5, Outcome: history.OK},
			{Kind: history.Read, Key: "k", Output: "2", Node: "b", Call: 30, Return: 31, Outcome: history.OK},
			{Kind: history.Read, Key: "k", Output: "2", Node: "a", Call: 12, Return: 13, Outcome: history.OK},
			{Kind: history.Read, Key: "k", Output: "1", Node: "c", Call: 30, Return: 31, Outcome: history.OK},
			{Kind: history.Read, Key: "k", Output: "2", Node: "d", Call: 30, Return: 31, Outcome: history.OK, Final: true},
		}}}
		v.seen(object{key: "k", ops: []int32{0, 1, 2, 3, 4}}, lost)
		if diff := cmp.Diff([]topology.NodeID{"a", "b"}, lost[0].HeldBy); diff != "" {
			t.Errorf("seen on (-want +got):\n%s", diff)
		}
	})
}

// Unanswered writes are neither lost nor phantoms; those that are there are recovered.
func TestUnknownIsNeitherLostNorKept(t *testing.T) {
	r := lab{}.run()
	there := pick(t, r, 500, anAdd)
	gone := pick(t, r, 501, anAdd)
	r.Ops[there].Outcome, r.Ops[gone].Outcome = history.Unknown, history.Unknown
	without(r, r.Ops[gone].Key, r.Ops[gone].Value)
	for i := range r.Ops {
		if op := &r.Ops[i]; op.Kind == history.SetRead {
			op.Set = slices.DeleteFunc(slices.Clone(op.Set), func(s string) bool { return s == r.Ops[gone].Value })
		}
	}
	j := judge(t, r)
	if j.Verdict != record.Pass {
		t.Errorf("verdict %s: %+v", j.Verdict, j.Findings)
	}
	if j.RPO.Recovered != 1 || j.RPO.Unknown != 2 {
		t.Errorf("recovered %d of %d unknown, want 1 of 2", j.RPO.Recovered, j.RPO.Unknown)
	}
}

func TestSplitBrain(t *testing.T) {
	cut := topology.FaultImpact{}
	for _, n := range three.Nodes[1:] {
		cut.CutFlows = append(cut.CutFlows,
			topology.Flow{Link: topology.Link{From: topology.Endpoint{Node: "east-1"}, To: n.ID}, Direction: topology.BothWays},
			topology.Flow{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: n.ID}, Direction: topology.BothWays})
	}
	r := lab{cut: cut}.run() // its store acknowledges to everyone
	want(t, judge(t, r), "split brain", record.Fail, "after its region was cut off from the majority")

	r = lab{cut: cut, down: only("east", history.Writes, stall(100*ms, 201*ms))}.run()
	want(t, judge(t, r), "split brain", record.Pass)

	// What is acknowledged before the cut is proved, or after its heal is asked for, is no proof of two heads.
	r = lab{cut: cut, down: only("east", history.Writes, stall(101*ms, 200*ms))}.run()
	want(t, judge(t, r), "split brain", record.Pass)
}

// A fault that was never healed, or whose heal was never asked for, leaves no quorum
// until the end of observation, not for no time at all.
func TestQuorumLossLastsUntilTheHealIsRequested(t *testing.T) {
	none := topology.FaultImpact{Down: []topology.NodeID{"east-1", "north-1"}}
	for _, c := range []struct {
		name   string
		change func(f *record.Fault)
		want   []record.Span
	}{
		{"healed", func(*record.Fault) {}, []record.Span{{From: 101 * ms, To: 200 * ms}}},
		{"never healed", func(f *record.Fault) {
			f.Heal = record.Times{Requested: record.NotReached, Confirmed: record.NotReached, Effective: record.NotReached}
		}, []record.Span{{From: 101 * ms, To: 300 * ms}}},
		{"not proved", func(f *record.Fault) { f.Active.Proved = false }, nil},
		{"a majority is left", func(f *record.Fault) { f.Impact.Down = f.Impact.Down[:1] }, nil},
	} {
		r := lab{cut: none}.run()
		c.change(&r.Faults[0])
		if diff := cmp.Diff(c.want, judge(t, r).QuorumLoss); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestRefusal(t *testing.T) {
	none := topology.FaultImpact{Down: []topology.NodeID{"east-1", "north-1"}}
	refuse := func(r *record.Run, from, to time.Duration) {
		for i := range r.Ops {
			if op := &r.Ops[i]; op.Kind.Class() == history.Writes && op.Call >= from && op.Call < to {
				op.Outcome, op.Error, op.Rejected, op.Return = history.Failed, "no leader", true, op.Call+ms
			}
		}
	}
	forget := func(r *record.Run) {
		for i := range r.Ops {
			r.Ops[i].Rejected = false
		}
	}
	delay := func(r *record.Run) {
		for i := range r.Ops {
			if op := &r.Ops[i]; op.Rejected {
				op.Return = op.Call + 11*ms
			}
		}
	}
	for _, c := range []struct {
		name    string
		lab     lab
		change  func(r *record.Run)
		verdict record.Verdict
		says    string
	}{
		{"refused", lab{cut: none, down: stall(100*ms, 201*ms)}, func(r *record.Run) { refuse(r, 100*ms, 150*ms) }, record.Pass, "refused (no leader)"},
		{"acknowledged", lab{cut: none}, nil, record.Fail, "acknowledged while no majority lived"},
		{"silent", lab{cut: none, down: stall(100*ms, 201*ms)}, nil, record.Fail, "0 failed without an answer or too late"},
		{"reached nobody", lab{cut: none, down: stall(100*ms, 201*ms)}, func(r *record.Run) { refuse(r, 100*ms, 150*ms); forget(r) }, record.Fail, "was refused by a server within 10 ms"},
		{"refused too late", lab{cut: none, down: stall(100*ms, 201*ms)}, func(r *record.Run) { refuse(r, 100*ms, 150*ms); delay(r) }, record.Fail, "was refused by a server within 10 ms"},
		{"a record from before answers were marked", lab{cut: none, down: stall(100*ms, 201*ms)}, func(r *record.Run) { refuse(r, 100*ms, 150*ms); forget(r); r.HasRejectionMarks = false }, record.Unknown, "before that was noted"},
		{"a majority lives", lab{cut: topology.FaultImpact{Down: none.Down[:1]}}, nil, record.Vacuous, "a majority lived at all times"},
		{"not tried", lab{cut: none}, func(r *record.Run) { drop(r, 0, time.Hour, func(int) bool { return true }) }, record.Vacuous, "no write was tried"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.lab.run()
			r.Objectives.RejectWithoutQuorum = true
			if c.change != nil {
				c.change(r)
			}
			want(t, judge(t, r), "quorum loss rejection", c.verdict, c.says)
		})
	}
}

// A final read that failed counts only if no repetition of it succeeded.
func TestFinalReadsFailed(t *testing.T) {
	r := lab{}.run()
	i := pick(t, r, 0, func(op *history.Op) bool { return op.Final })
	again := r.Ops[i]
	fail(&r.Ops[i])
	if got := judge(t, r).RPO.FinalReadsFailed; got != 1 {
		t.Errorf("%d final reads failed, want 1", got)
	}
	again.Call, again.Return = again.Call+ms, again.Return+ms
	r.Ops = append(r.Ops, again)
	if got := judge(t, r).RPO.FinalReadsFailed; got != 0 {
		t.Errorf("%d final reads failed after one was repeated, want 0", got)
	}
}
