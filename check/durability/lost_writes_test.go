package durability_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestLostWriteHasItsWitness(t *testing.T) {
	r := checktest.Lab{}.Run()
	var lost []history.Op
	for i := range r.Ops {
		if op := r.Ops[i]; checktest.IsAdd(&op) && op.Return > 90*ms && op.Return < 105*ms {
			lost = append(lost, op)
			checktest.Without(r, op.Key, op.Value)
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
	if got, want := p.Lost[0].Position, "9.9 ms before 1.1-kill"; got != want {
		t.Errorf("position %q, want %q", got, want)
	}
	if len(p.Lost[0].Missing) != 3 {
		t.Errorf("missing on %v, want all nodes", p.Lost[0].Missing)
	}
}

// What reads showed while the run lasted is told of a lost write: who answered them.
func TestLostWriteWasSeenOnNodes(t *testing.T) {
	r := checktest.Lab{}.Run()
	i := checktest.Pick(t, r, 90, checktest.IsAdd)
	lost := r.Ops[i]
	checktest.Without(r, lost.Key, lost.Value)
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
}

// Unanswered writes are neither lost nor phantoms; those that are there are recovered.
func TestUnknownIsNeitherLostNorKept(t *testing.T) {
	r := checktest.Lab{}.Run()
	there := checktest.Pick(t, r, 500, checktest.IsAdd)
	gone := checktest.Pick(t, r, 501, checktest.IsAdd)
	r.Ops[there].Outcome, r.Ops[gone].Outcome = history.Unknown, history.Unknown
	checktest.Without(r, r.Ops[gone].Key, r.Ops[gone].Value)
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
	for _, n := range checktest.Three.Nodes[1:] {
		cut.CutFlows = append(cut.CutFlows,
			topology.Flow{Link: topology.Link{From: topology.Endpoint{Node: "east-1"}, To: n.ID}, Direction: topology.BothWays},
			topology.Flow{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: n.ID}, Direction: topology.BothWays})
	}
	r := checktest.Lab{Cut: cut}.Run() // its store acknowledges to everyone
	checktest.Want(t, judge(t, r), "split brain", record.Fail, "after its region was cut off from the quorum")
	r.Objectives.SplitBrain = &record.SplitBrain{Allowed: true}
	checktest.Want(t, judge(t, r), "split brain", record.Pass, "served by the cut-off side: ", "allowed by the scenario")

	r = checktest.Lab{Cut: cut, Down: checktest.Only("east", history.Writes, checktest.Stall(100*ms, 201*ms))}.Run()
	checktest.Want(t, judge(t, r), "split brain", record.Pass)

	// What is acknowledged before the cut is proved, or after its heal is asked for, is no proof of two heads.
	r = checktest.Lab{Cut: cut, Down: checktest.Only("east", history.Writes, checktest.Stall(101*ms, 200*ms))}.Run()
	checktest.Want(t, judge(t, r), "split brain", record.Pass)
}

// A final read that failed counts only if no repetition of it succeeded.
func TestFinalReadsFailed(t *testing.T) {
	r := checktest.Lab{}.Run()
	i := checktest.Pick(t, r, 0, func(op *history.Op) bool { return op.Final })
	again := r.Ops[i]
	checktest.Fail(&r.Ops[i])
	if got := judge(t, r).RPO.FinalReadsFailed; got != 1 {
		t.Errorf("%d final reads failed, want 1", got)
	}
	again.Call, again.Return = again.Call+ms, again.Return+ms
	r.Ops = append(r.Ops, again)
	if got := judge(t, r).RPO.FinalReadsFailed; got != 0 {
		t.Errorf("%d final reads failed after one was repeated, want 0", got)
	}
}
