package recovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// cutOff is the impact of a partition that cuts east's node off from the others, and its clients too where they are alone with it.
func cutOff(clientsToo bool) topology.FaultImpact {
	cut := topology.FaultImpact{}
	for _, n := range checktest.Three.Nodes[1:] {
		cut.CutFlows = append(cut.CutFlows, topology.Flow{Link: topology.Link{From: topology.Endpoint{Node: "east-1"}, To: n.ID}, Direction: topology.BothWays})
		if clientsToo {
			cut.CutFlows = append(cut.CutFlows, topology.Flow{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: n.ID}, Direction: topology.BothWays})
		}
	}
	return cut
}

// servedBy lets a node answer the clients of east that were due in a stretch of time.
func servedBy(node topology.NodeID, from, to time.Duration) func(*record.Run) {
	return func(r *record.Run) {
		for i := range r.Ops {
			if op := &r.Ops[i]; !op.Final && op.Region == "east" && op.Intended >= from && op.Intended < to {
				op.Node = node
			}
		}
	}
}

// What the cut-off side acknowledges is shown as that, and as no service: 405 such answers are neither an RTO of 0 s nor 100 %.
func TestServedByTheCutOffSide(t *testing.T) {
	for _, c := range []struct {
		name     string
		lab      checktest.Lab
		change   func(*record.Run)
		verdict  record.Verdict
		rto      []string
		east     string // its line in the evidence of rto
		fromHeal bool
		due      int // of east's, in each class
	}{
		{
			name: "clients that are cut off with their node", lab: checktest.Lab{Cut: cutOff(true)}, change: func(*record.Run) {},
			verdict: record.Pass, rto: []string{"RTO 0 s", "; served by the cut-off side: 988 acknowledgements"},
			east: "no outage from heal in", fromHeal: true, due: 495,
		},
		{
			name: "clients that could have reached the others", lab: checktest.Lab{Cut: cutOff(false)}, change: servedBy("east-1", 0, 300*ms),
			verdict: record.Pass, rto: []string{"; served by the cut-off side: 988 acknowledgements"},
			east: "no outage from heal in", fromHeal: true, due: 506,
		},
		{
			name:   "an outage before the cut-off side served",
			lab:    checktest.Lab{Cut: cutOff(false), Fault: 500 * ms, Down: checktest.Only("east", history.Reads, checktest.Stall(100*ms, 420*ms))},
			change: servedBy("east-1", 420*ms, 700*ms), verdict: record.Fail, rto: []string{"east reads not recovered in 320 ms"},
			east: "not recovered in 320 ms from heal", fromHeal: true, due: -1,
		},
		{
			name:   "one stray answer is no service that excuses an outage",
			lab:    checktest.Lab{Cut: cutOff(false), Fault: 500 * ms, Down: checktest.Only("east", history.Reads, checktest.Stall(103*ms, 590*ms))},
			change: servedBy("east-1", 0, 103*ms), verdict: record.Fail, rto: []string{"RTO 490 ms", "> 300 ms"},
			east: "RTO 490 ms", due: -1,
		},
		{
			name: "reads that may be stale are served by the cut-off side by design", lab: checktest.Lab{Cut: cutOff(false)},
			change: func(r *record.Run) {
				servedBy("east-1", 0, 300*ms)(r)
				for i := range r.Ops {
					r.Ops[i].Stale = r.Ops[i].Region == "east" && r.Ops[i].Kind == history.Read
				}
			},
			verdict: record.Pass, rto: []string{"RTO 0 s"}, east: "no outage", due: -1, fromHeal: true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.lab.Run()
			c.change(r)
			j := judge(t, r)
			checktest.Want(t, j, "rto", c.verdict, c.rto...)
			found := false
			for _, line := range checktest.Finding(t, j, "rto").Evidence {
				found = found || strings.HasPrefix(line, "east reads: "+c.east)
			}
			if !found {
				t.Errorf("no line says %q of east's reads", c.east)
			}
			total := 0
			for _, s := range j.RTO.Series {
				total += s.CutOff
				if want := c.fromHeal && s.Region == "east"; s.FromHeal != want && s.Class == history.Reads {
					t.Errorf("%s %ss from heal: %v, want %v", s.Region, s.Class, s.FromHeal, want)
				}
			}
			if total == 0 || total != j.RTO.CutOff || j.Availability.CutOff != total {
				t.Errorf("series name %d acknowledgements of the cut-off side, rto %d, availability %d", total, j.RTO.CutOff, j.Availability.CutOff)
			}
			for _, s := range j.Availability.Series {
				if s.Region == "east" && c.due >= 0 && s.Due != c.due {
					t.Errorf("%s %ss: %d were due, want %d", s.Region, s.Class, s.Due, c.due)
				}
			}
		})
	}
}
