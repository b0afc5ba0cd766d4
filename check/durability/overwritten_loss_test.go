package durability_test

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// A write to a register that was overwritten later is lost where a later operation proves it, and only there.
func TestOverwrittenWriteThatWasLost(t *testing.T) {
	var cut topology.FaultImpact
	for _, n := range checktest.Three.Nodes[1:] {
		cut.CutFlows = append(cut.CutFlows, topology.Flow{Link: topology.Link{From: topology.Endpoint{Node: "east-1"}, To: n.ID}, Direction: topology.BothWays})
	}
	older := func(kind history.Kind) history.Op {
		return history.Op{Kind: kind, Output: "v1", Expect: "v1", Value: "v3", Applied: kind == history.CAS, Node: "north-1", Term: 2}
	}
	with := func(op history.Op, change func(*history.Op)) history.Op {
		change(&op)
		return op
	}
	for _, c := range []struct {
		name  string
		after []history.Op // sent 10 ms apart from 130 ms on, after v2 was acknowledged
		lost  string
		stale int
	}{
		{"a compare-and-set on the older value was applied", []history.Op{older(history.CAS)}, "v2", 0},
		{"it was not applied", []history.Op{with(older(history.CAS), func(op *history.Op) { op.Applied = false })}, "", 0},
		{"it got no answer", []history.Op{with(older(history.CAS), func(op *history.Op) { op.Outcome = history.Unknown })}, "", 0},
		{"a compare-and-set on the value itself", []history.Op{with(older(history.CAS), func(op *history.Op) { op.Expect = "v2" })}, "", 0},
		{"a node without a quorum applied it", []history.Op{with(older(history.CAS), func(op *history.Op) { op.Node = "east-1" })}, "", 0},
		{"a leader of an earlier term applied it", []history.Op{with(older(history.CAS), func(op *history.Op) { op.Term = 1 })}, "", 0},
		{"a read that may be stale", []history.Op{older(history.Read)}, "", 1},
		{"a read at a later place of the total order", []history.Op{with(older(history.Read), func(op *history.Op) { op.Revision = 8 })}, "v2", 0},
		{"a read at an earlier place of the total order", []history.Op{with(older(history.Read), func(op *history.Op) { op.Revision = 6 })}, "", 1},
		{"it was read again", []history.Op{
			with(older(history.Read), func(op *history.Op) { op.Revision = 8 }),
			with(older(history.Read), func(op *history.Op) { op.Output = "v2" }),
		}, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.Lab{Cut: cut}.Run()
			at := 110 * ms
			do := func(op history.Op) {
				if op.Outcome == "" {
					op.Outcome = history.OK
				}
				op.ID, op.Region, op.Key = int64(1e6+at/time.Microsecond), "north", "reg"
				op.Intended, op.Call, op.Return = at, at, at+ms
				at += 10 * ms
				r.Ops = append(r.Ops, op)
			}
			do(history.Op{Kind: history.Write, Value: "v1", Term: 2, Revision: 5})
			do(history.Op{Kind: history.Write, Value: "v2", Term: 2, Revision: 7})
			for _, op := range c.after {
				do(op)
			}
			do(history.Op{Kind: history.Write, Value: "v9", Term: 2, Revision: 9})
			for _, n := range checktest.Three.Nodes {
				do(history.Op{Kind: history.Read, Output: "v9", Final: true, ReadThrough: n.ID})
			}
			p := judge(t, r).RPO
			got := ""
			for _, l := range p.Lost {
				got += l.Op.Value
				if l.Proof == "" {
					t.Errorf("the loss of %s has no proof", l.Op.Value)
				}
			}
			if got != c.lost || p.LostCount != len(p.Lost) {
				t.Errorf("lost %q, want %q", got, c.lost)
			}
			if len(p.StaleReads) != c.stale {
				t.Errorf("stale reads %q, want %d", p.StaleReads, c.stale)
			}
			if want := record.Pass; c.lost == "" && checktest.Finding(t, judge(t, r), "rpo").Verdict != want {
				t.Errorf("rpo is not %s", want)
			}
		})
	}
}
