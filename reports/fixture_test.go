package reports

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// fixtures are the runs that every format is shown on.
func fixtures() map[string]*record.Run {
	return map[string]*record.Run{
		"passing":     passing(),
		"lost":        lost(),
		"unknown":     undecided(),
		"stuck":       stuck(),
		"interrupted": interrupted(),
		"empty":       empty(),
		"hostile":     hostile(),
	}
}

const ms = time.Millisecond

// passing loses its main region at 14 s, is back after 3.4 s, and loses nothing.
func passing() *record.Run {
	r := skeleton()
	r.Ops = load(r, 20, 3*time.Second, 48*time.Second)
	r.Result = &record.Result{
		Verdict: record.Pass, Expected: record.Pass,
		Findings: []record.Finding{
			{Check: "rto", Verdict: record.Pass, Description: "worst eligible series (writes from north) recovered in 3.4 s, objective 30 s", Evidence: []string{"longest stage: detect, 1.6 s of 3.4 s"}},
			{Check: "rpo", Verdict: record.Pass, Description: "0 of 2,612 acknowledged writes lost, read back through 3 nodes"},
			{Check: "linearizable", Verdict: record.Pass, Description: "60 keys, 4,830 operations"},
			{Check: "fault 1-kill", Verdict: record.Pass, Description: "active 118 ms after its request, cleared, control unaffected"},
			{Check: "leader change", Verdict: record.Pass, Description: "north-1 elected in term 3, 2.9 s after the fault"},
		},
		RTO: &record.RTO{
			Objective: 30 * time.Second, Resolution: 100 * ms, Worst: 3400 * ms, Recovered: true, Min: 3400 * ms, Median: 3400 * ms, Max: 3400 * ms,
			Series: rtoSeries(),
			Stages: []record.Stage{
				{Name: "detect", From: 14 * time.Second, To: 15600 * ms, Budget: 2 * time.Second, Description: "confirmed east-1 at +15.600 s by north-1"},
				{Name: "arbitrate", From: 15600 * ms, To: 15900 * ms, Description: "region east lost, 2 of 3 agree"},
				{Name: "elect", From: 15900 * ms, To: 16900 * ms, Budget: 900 * ms, Description: "elected north-1 term 3"},
				{Name: "switch traffic", From: 16900 * ms, To: 17100 * ms, Description: "weights east 0, north 67, south 33"},
				{Name: "first success", From: 17100 * ms, To: 17250 * ms, Description: "write by client 2 in north"},
				{Name: "stable", From: 17250 * ms, To: 17400 * ms, Description: "first good bucket of a stable window of 5 s"},
			},
		},
		RPO: &record.RPO{
			Attempted: 2744, Acked: 2612, Unknown: 132, FinalReads: 186, Recovered: 41,
		},
		Availability: &record.Availability{Overall: 0.9382, Series: []record.AvailabilitySeries{
			{Region: "east", Class: history.Writes, Due: 680, Good: 600, Dropped: 3, P50: 34 * ms, P99: 61 * ms, Max: 1920 * ms},
			{Region: "east", Class: history.Reads, Due: 680, Good: 604, P50: 33 * ms, P99: 58 * ms, Max: 1880 * ms},
			{Region: "north", Class: history.Writes, Due: 680, Good: 612, P50: 31 * ms, P99: 44 * ms, Max: 990 * ms},
			{Region: "north", Class: history.Reads, Due: 680, Good: 620, P50: 12 * ms, P99: 40 * ms, Max: 970 * ms},
			{Region: "south", Class: history.Writes, Due: 680, Good: 611, P50: 42 * ms, P99: 66 * ms, Max: 1010 * ms},
			{Region: "south", Class: history.Reads, Due: 680, Good: 618, P50: 41 * ms, P99: 60 * ms, Max: 1000 * ms},
		}},
		Linearizable: &record.Linearizable{Keys: 60, Ops: 4830},
	}
	return r
}

// rtoSeries is one episode of six series, all of them back within 3.4 s.
func rtoSeries() []record.RTOSeries {
	var out []record.RTOSeries
	for i, region := range []topology.Region{"east", "north", "south"} {
		for k, class := range []history.Class{history.Writes, history.Reads} {
			d := 3400*ms - time.Duration((i+1)%3)*100*ms - time.Duration(k)*200*ms
			if region == "north" && class == history.Writes {
				d = 3400 * ms
			}
			out = append(out, record.RTOSeries{
				Region: region, Class: class, Episode: 1, Eligible: true, Recovered: true, RTO: d,
				FirstAck: d - 150*ms, SinceHeal: record.NotReached, LongestOutage: d - 100*ms,
				Outages: []record.Span{{From: 14100 * ms, To: 14*time.Second + d}}, BrownOut: 0.0012,
			})
		}
	}
	return out
}

// lost is the negative control: acknowledged writes are gone.
func lost() *record.Run {
	r := passing()
	r.ID, r.Scenario = "2026-11-22T03-12-41Z-lose-main-region-async-ack-91c0", "lose-main-region-async-ack"
	r.Description = "The same loss on a platform that acknowledges before it replicates: writes must be lost."
	r.Expect, r.ExpectedFailures = record.Fail, []string{"rpo"}
	j := r.Result
	j.Verdict, j.Expected, j.ExpectedFailures = record.Fail, record.Fail, r.ExpectedFailures
	for i := range 12 {
		j.RPO.Lost = append(j.RPO.Lost, record.LostWrite{
			Op: history.Op{
				ID: int64(4180 + 3*i), Client: i % 4, Region: "east", Kind: history.Add, Key: "set-3", Value: fmt.Sprintf("east-%d-%d", i%4, 880+i),
				Intended: 13700*ms + time.Duration(i)*20*ms, Call: 13700*ms + time.Duration(i)*20*ms, Return: 13703*ms + time.Duration(i)*20*ms,
				Outcome: history.OK, Node: "east-1", Term: 2, Revision: uint64(9120 + i),
			},
			Position: fmt.Sprintf("%d ms before fault 1-kill", 297-20*i), Missing: []topology.NodeID{"east-1", "north-1", "south-1"},
		})
	}
	j.RPO.Lost[0].HeldBy = []topology.NodeID{"east-1"}
	j.RPO.LostCount, j.RPO.LossWindow = 12, 220*ms
	j.RPO.Judged, j.RPO.JudgedDuringFaults = 1388, 310
	j.RPO.LossGroups = []record.LossGroup{{Node: "east-1", Region: "east", Count: 12, From: -297 * ms, To: -77 * ms, Faults: []string{"1-kill"}}}
	j.RPO.Diverged = []string{"set-3: east-1 has east-0-880, north-1 and south-1 have not"}
	j.RPO.StaleReads = []string{"read of k7 by client 1 in north at +17.310 s missed 42, acknowledged at +13.921 s"}
	j.Findings[1] = record.Finding{
		Check: "rpo", Verdict: record.Fail, Description: "12 of 2,612 acknowledged writes lost over 220 ms, all before the fault; objective 0",
		Evidence: []string{"add east-0-880 to set-3: acknowledged +13.703 s by east-1 in term 2, held by east-1 only", "set-3: east-1 has east-0-880, north-1 and south-1 have not"},
	}
	j.Findings[2] = record.Finding{Check: "linearizable", Verdict: record.Fail, Description: "1 of 60 keys is not linearizable", Evidence: []string{"k7: read 41 at +17.310 s after 42 was acknowledged at +13.921 s"}}
	j.Linearizable.Violating = []string{"k7"}
	return r
}

// beside is a negative control that failed for another reason than its own.
func beside() *record.Run {
	r := passing()
	r.Expect, r.ExpectedFailures = record.Fail, []string{"rpo"}
	j := r.Result
	j.Verdict, j.Expected, j.ExpectedFailures = record.Fail, record.Fail, r.ExpectedFailures
	j.Findings[0].Verdict = record.Fail
	return r
}

// undecided could not read everything back, and its fault was never felt.
func undecided() *record.Run {
	r := passing()
	j := r.Result
	j.Verdict = record.Unknown
	r.Earlier = []record.Attempt{{Run: "2026-11-22T02-55-00Z-lose-main-region-11aa", Verdict: record.Unknown, Cause: record.CauseEnvironment}}
	j.RPO.FinalReadsFailed, j.RPO.UnreadableNodes = 9, []topology.NodeID{"south-1"}
	r.Partial = []string{"events.jsonl is cut off after line 9"}
	j.Linearizable.Undecided = []string{"k12", "k31"}
	j.Findings[1] = record.Finding{Check: "rpo", Verdict: record.Unknown, Description: "9 of 186 final reads failed, so what was lost is not known", Evidence: []string{"members of set-1 through south-1: context deadline exceeded"}}
	j.Findings[2] = record.Finding{Check: "linearizable", Verdict: record.Unknown, Description: "2 of 60 keys ran out of time"}
	j.Findings[3] = record.Finding{Check: "fault 1-kill", Verdict: record.Vacuous, Description: "had no measured effect"}
	j.RTO.Series[4].Eligible, j.RTO.Series[5].Eligible, j.RTO.Series[5].FromHeal = false, false, true
	j.RTO.Stages = nil
	r.Matrices = append(r.Matrices, matrix(r.Topology, "after 2", 50*time.Second, ""), matrix(r.Topology, "after 3", 51*time.Second, ""))
	r.Faults[0].Active = record.Proof{Observed: "12 of 12 echoes answered"}
	r.Faults[0].Inject.Effective = record.NotReached
	var engine []record.Event
	for _, e := range r.Events {
		if e.Source != record.FromPlatform {
			engine = append(engine, e)
		}
	}
	r.Events = engine
	return r
}

// split leaves no majority from 14 s to 34 s, and is back with the heal.
func split() *record.Run {
	r := passing()
	r.ID, r.Scenario = "2026-11-22T03-31-07Z-split-three-ways-2c1d", "split-three-ways"
	f := &r.Faults[0]
	f.ID, f.Name, f.Description, f.Impact = "1-isolate", "isolate", "isolate every region", topology.FaultImpact{}
	for _, l := range r.Topology.Links() {
		f.Impact.CutFlows = append(f.Impact.CutFlows, topology.Flow{Link: l, Direction: topology.BothWays})
	}
	o := r.Result.RTO
	o.Worst, o.Min, o.Median, o.Max, o.Stages = 0, 0, 0, 0, nil
	for i, s := range o.Series {
		o.Series[i] = record.RTOSeries{Region: s.Region, Class: s.Class, Episode: 1, FromHeal: true, Recovered: true, SinceHeal: record.NotReached}
	}
	r.Result.QuorumLoss = []record.Span{{From: max(f.Inject.Confirmed, f.Inject.Effective), To: f.Heal.Requested}}
	r.Result.Findings[0] = record.Finding{Check: "rto", Verdict: record.Pass, Description: "RTO 0 s (±100 ms) ≤ 30 s, counted from heal"}
	return r
}

// stuck never recovers for the clients of one region, and broke on the way.
func stuck() *record.Run {
	r := passing()
	j := r.Result
	j.Verdict = record.Fail
	j.RTO.Recovered, j.RTO.Worst = false, 34*time.Second
	w := &j.RTO.Series[0]
	w.Recovered, w.RTO, w.FirstAck, w.Outages[0].To = false, 34*time.Second, record.NotReached, record.NotReached
	w.LongestOutage = 33900 * ms
	j.RTO.Stages = j.RTO.Stages[:3]
	j.Findings[0] = record.Finding{Check: "rto", Verdict: record.Fail, Description: "writes from east not recovered in 34 s, objective 30 s", Evidence: []string{"no good bucket after +14.100 s"}}
	j.Findings[4] = record.Finding{Check: "rto stages", Verdict: record.Fail, Description: "elect took 1.0 s > 900 ms"}
	r.Faults[0].ControlUnaffected = record.Proof{Observed: "north-1→south-1 did not answer"}
	return r
}

// interrupted was ended by Ctrl-C in the middle of its fault.
func interrupted() *record.Run {
	r := skeleton()
	r.Ops = load(r, 20, 3*time.Second, 16*time.Second)
	r.AbortReason = "interrupted by the user during faults; healed and cleaned"
	r.Phases = r.Phases[:3]
	r.Phases[2].To = record.NotReached
	r.Faults[0].Heal = record.Times{Planned: 34 * time.Second, Requested: 16100 * ms, Confirmed: 16300 * ms, Effective: record.NotReached}
	r.Faults[0].Cleared = record.Proof{}
	r.Faults[0].HealError = "restart east-1: container is gone"
	r.Matrices = r.Matrices[:2]
	return r
}

// empty died before anything happened.
func empty() *record.Run {
	return &record.Run{Meta: record.Meta{
		ID: "2026-11-22T03-20-00Z-empty-0000", Scenario: "kill-leader", Target: "mcp", Runtime: "docker", Expect: record.Pass,
		Started: time.Date(2026, 11, 22, 3, 20, 0, 0, time.UTC), AbortReason: "start north-1: no such image",
	}}
}

// hostile has markup, control characters and nonsense wherever a foreign string can be.
func hostile() *record.Run {
	bad := "</title></text><script>alert('x')</script><img src=//evil.test/x onerror=alert(1)>\x00\x1b[31m\xff\u202e]]>|`*_\n\n# \"q\" & "
	r := lost()
	r.ID, r.Scenario, r.Description, r.Target, r.Runtime, r.RuntimeReason, r.AbortReason = bad, bad, bad+strings.Repeat("Ł0ng", 400), bad, bad, bad, bad
	r.Versions = map[string]string{bad: bad}
	r.Topology.RegionSpecs[0].Region, r.Topology.Nodes[0].ID = topology.Region(bad), topology.NodeID(bad)
	for i := range r.Events {
		e := &r.Events[i]
		e.Source, e.Description, e.Node, e.Fields = record.FromPlatform, bad, topology.NodeID(bad), map[string]string{bad: bad, "term": bad}
		if i%2 == 0 {
			e.Kind = "elected"
		} else {
			e.Kind = record.EventKind(bad)
		}
	}
	for i := range r.Ops {
		if r.Ops[i].Region == "east" {
			r.Ops[i].Region = topology.Region(bad)
		}
		r.Ops[i].Key, r.Ops[i].Value = bad, bad
		if r.Ops[i].Outcome != history.OK {
			r.Ops[i].Error = bad
		}
	}
	for i := range r.Phases {
		r.Phases[i].Name += bad
	}
	f := &r.Faults[0]
	f.ID, f.Name, f.Description, f.Error, f.HealError, f.Nodes = bad, bad, bad, bad, bad, []topology.NodeID{topology.NodeID(bad)}
	f.Active.Observed, f.Cleared.Observed, f.ControlUnaffected.Observed = bad, bad, bad
	for i := range r.Matrices {
		r.Matrices[i].When = bad
		for k := range r.Matrices[i].Links {
			r.Matrices[i].Links[k].Error = bad
		}
	}
	j := r.Result
	for i := range j.Findings {
		j.Findings[i] = record.Finding{Check: bad, Verdict: record.Verdict(bad), Description: bad, Evidence: []string{bad, bad}}
	}
	j.Verdict = record.Verdict(bad)
	for i := range j.RTO.Series {
		j.RTO.Series[i].Region = topology.Region(bad)
	}
	for i := range j.RTO.Stages {
		j.RTO.Stages[i].Name, j.RTO.Stages[i].Description = bad, bad
	}
	for i := range j.RPO.Lost {
		l := &j.RPO.Lost[i]
		l.Op.Key, l.Op.Value, l.Op.Node, l.Position, l.HeldBy = bad, bad, topology.NodeID(bad), bad, []topology.NodeID{topology.NodeID(bad)}
	}
	j.RPO.Phantoms, j.RPO.Diverged, j.RPO.Duplicates, j.RPO.StaleReads, j.RPO.SplitBrain = []string{bad}, []string{bad}, []string{bad}, []string{bad}, []string{bad}
	j.RPO.UnreadableNodes = []topology.NodeID{topology.NodeID(bad)}
	j.Linearizable.Violating, j.Linearizable.Undecided = []string{bad}, []string{bad}
	return r
}
