package check

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// alone is the damage that leaves east's node and clients to themselves.
var alone = topology.FaultImpact{CutFlows: []topology.Flow{
	{Link: topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "north-1"}, Direction: topology.Upstream},
	{Link: topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "south-1"}, Direction: topology.Upstream},
	{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: "north-1"}, Direction: topology.Upstream},
	{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: "south-1"}, Direction: topology.Upstream},
}}

// cutOff is a run in which east is cut off from 101 to 200 ms and does what it
// must: it takes 20 ms to notice, refuses within 2 ms, answers every edge read.
func cutOff() *record.Run {
	l := lab{cut: alone, down: func(r topology.Region, _ history.Class, due time.Duration) bool {
		return r == "east" && due > 100*ms && due < 201*ms
	}}
	r := l.run()
	r.Objectives.DisconnectedOperation = true
	for i := range r.Ops {
		op := &r.Ops[i]
		if op.Outcome == history.Unknown && op.Intended > 121*ms {
			op.Outcome, op.Error, op.Return, op.Rejected = history.Failed, "no leader known", op.Call+2*ms, true
		}
	}
	for due := time.Duration(0); due < 300*ms; due += ms / 4 {
		for _, region := range three.Regions() {
			key, value := "k0", ""
			if due%(ms/2) == 0 {
				key, value = history.LocalReadSetting, "edge"
			}
			r.Ops = append(r.Ops, history.Op{
				ID: int64(len(r.Ops) + 1), Region: region, Kind: history.Read, Stale: true, Key: key, Output: value,
				Intended: due, Call: due, Return: due + ms, Outcome: history.OK,
			})
		}
	}
	return r
}

func TestAutonomy(t *testing.T) {
	cut := func(op *history.Op) bool { return op.Region == "east" && op.Call > 150*ms && op.Call < 180*ms }
	write := func(op *history.Op) bool { return cut(op) && op.Class() == history.Writes }
	edge := func(op *history.Op) bool { return cut(op) && op.Class() == history.LocalRead }
	one := func(which func(*history.Op) bool, change func(*history.Op)) func(*testing.T, *record.Run) {
		return func(t *testing.T, r *record.Run) { change(&r.Ops[pick(t, r, 3, which)]) }
	}
	all := func(which func(*history.Op) bool, change func(*history.Op)) func(*testing.T, *record.Run) {
		return func(_ *testing.T, r *record.Run) {
			for i := range r.Ops {
				if which(&r.Ops[i]) {
					change(&r.Ops[i])
				}
			}
		}
	}
	fails := func(op *history.Op) { op.Outcome, op.Error = history.Failed, "refused" }
	for _, c := range []struct {
		name    string
		change  func(t *testing.T, r *record.Run)
		verdict record.Verdict
		says    string
	}{
		{"as it must be", func(*testing.T, *record.Run) {}, record.Pass, "refused within 2 ms (no leader known), 396 of 396 edge reads answered and marked stale"},
		{"one edge read of four hundred fails", one(edge, fails), record.Pass, "395 of 396 edge reads"},
		{"a write hangs to its timeout", one(write, func(op *history.Op) { op.Outcome, op.Return = history.Unknown, op.Call+20*ms }), record.Fail, "not refused within 10 ms, first:"},
		{"a refusal takes too long", one(write, func(op *history.Op) { op.Return = op.Call + 11*ms }), record.Fail, "1 of"},
		{"a write that reached no server", one(write, func(op *history.Op) { op.Rejected = false }), record.Fail, "reached no server after 2 ms"},
		{"a record from before answers were marked", func(_ *testing.T, r *record.Run) {
			all(write, func(op *history.Op) { op.Rejected = false })(nil, r)
			r.HasRejectionMarks = false
		}, record.Unknown, "before that was noted"},
		{"a refusal that is none", one(write, func(op *history.Op) { op.Outcome = history.Unknown }), record.Fail, "it is unknown"},
		{"a write is acknowledged", one(write, func(op *history.Op) { op.Outcome = history.OK }), record.Fail, "it is ok"},
		{"edge reads are refused", all(edge, fails), record.Fail, "answered and marked stale, want 99 %; first: edge read of"},
		{"edge reads are late", all(edge, func(op *history.Op) { op.Return = op.Call + 11*ms }), record.Fail, "answered and marked stale, want 99 %"},
		{"tokens are not verified", all(func(op *history.Op) bool { return edge(op) }, func(op *history.Op) { op.Key, op.Output = history.LocalReadToken, "" }), record.Fail, "answered and marked stale, want 99 %"},
		{"the setting is gone", all(edge, func(op *history.Op) { op.Output = "" }), record.Fail, "answered and marked stale, want 99 %"},
		{"it never comes back", all(func(op *history.Op) bool {
			return op.Region == "east" && op.Class() == history.Writes && op.Call > 200*ms
		}, fails), record.Fail, "east acknowledged no write after the heal"},
		{"nothing was cut off", func(_ *testing.T, r *record.Run) { r.Faults[0].Impact = topology.FaultImpact{} }, record.Vacuous, "no region were cut off"},
		{"the cut was not felt", func(_ *testing.T, r *record.Run) { r.Faults[0].Active.Proved = false }, record.Vacuous, "no region were cut off"},
		{"no edge reads", func(_ *testing.T, r *record.Run) {
			for i := range r.Ops {
				r.Ops[i].Stale = false
			}
		}, record.Vacuous, "set load.edge"},
		{"too short to tell", func(_ *testing.T, r *record.Run) { r.Faults[0].Heal.Requested = 135 * ms }, record.Vacuous, "for too short a time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := cutOff()
			c.change(t, r)
			want(t, judge(t, r), "disconnected operation", c.verdict, c.says)
		})
	}
}

// LocalRead reads are in no other figure: what a cut-off region serves says nothing of recovery.
func TestEdgeReadsAreNoService(t *testing.T) {
	r := lab{}.run()
	plain := judge(t, r)
	for due := time.Duration(0); due < 300*ms; due += ms / 4 {
		r.Ops = append(r.Ops, history.Op{
			ID: int64(len(r.Ops) + 1), Region: "east", Kind: history.Read, Stale: true, Key: "k0", Output: "long ago",
			Intended: due, Call: due, Return: due + 50*ms, Outcome: history.Failed, Error: "refused",
		})
	}
	j := judge(t, r)
	if j.Verdict != plain.Verdict || j.RTO.Worst != plain.RTO.Worst || j.Availability.Overall != plain.Availability.Overall {
		t.Errorf("verdict %s, RTO %v, availability %v; without edge reads %s, %v, %v", j.Verdict, j.RTO.Worst, j.Availability.Overall, plain.Verdict, plain.RTO.Worst, plain.Availability.Overall)
	}
}
