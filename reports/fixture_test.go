package reports

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/harness/history"
	"github.com/mcp-resilience/holdfast/harness/record"
	"github.com/mcp-resilience/holdfast/harness/topology"
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
	r.Judgement = &record.Judgement{
		Verdict: record.Pass, Expected: record.Pass,
		Findings: []record.Finding{
			{Promise: "rto", Verdict: record.Pass, Says: "worst eligible series (writes from north) recovered in 3.4 s, objective 30 s", Evidence: []string{"longest stage: detect, 1.6 s of 3.4 s"}},
			{Promise: "rpo", Verdict: record.Pass, Says: "0 of 2,612 acknowledged writes lost, read back through 3 nodes"},
			{Promise: "linearizable", Verdict: record.Pass, Says: "60 keys, 4,830 operations"},
			{Promise: "fault 1-kill", Verdict: record.Pass, Says: "felt 118 ms after it was requested, healed, neighbour spared"},
			{Promise: "leader change", Verdict: record.Pass, Says: "north-1 elected in term 3, 2.9 s after the fault"},
		},
		RTO: &record.RTO{
			Objective: 30 * time.Second, Resolution: 100 * ms, Worst: 3400 * ms, Recovered: true, Min: 3400 * ms, Median: 3400 * ms, Max: 3400 * ms,
			Series: rtoSeries(),
			Stages: []record.Stage{
				{Name: "detect", From: 14 * time.Second, To: 15600 * ms, Budget: 2 * time.Second, Says: "confirmed east-1 at +15.600 s by north-1"},
				{Name: "arbitrate", From: 15600 * ms, To: 15900 * ms, Says: "region east lost, 2 of 3 agree"},
				{Name: "elect", From: 15900 * ms, To: 16900 * ms, Budget: 900 * ms, Says: "elected north-1 term 3"},
				{Name: "switch", From: 16900 * ms, To: 17100 * ms, Says: "weights east 0, north 67, south 33"},
				{Name: "first success", From: 17100 * ms, To: 17250 * ms, Says: "write by client 2 in north"},
				{Name: "stable", From: 17250 * ms, To: 17400 * ms, Says: "first good bucket of a stable window of 5 s"},
			},
		},
		RPO: &record.RPO{
			Attempted: 2744, Acked: 2612, Unknown: 132, FinalReads: 186, Recovered: 41,
		},
		Availability: &record.Availability{Overall: 0.9382, Series: []record.AvailabilitySeries{
			{Region: "east", Class: history.Writes, Due: 680, Good: 600, Unsent: 3, P50: 34 * ms, P99: 61 * ms, Max: 1920 * ms},
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
				FirstAck: d - 150*ms, SinceHeal: record.Never, LongestOutage: d - 100*ms,
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
	r.Expect = record.Fail
	j := r.Judgement
	j.Verdict, j.Expected = record.Fail, record.Fail
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
	j.RPO.Lost[0].HeldBy, j.RPO.Lost[0].Missing = []topology.NodeID{"east-1"}, []topology.NodeID{"north-1", "south-1"}
	j.RPO.LostFor = 220 * ms
	j.RPO.Diverged = []string{"set-3: east-1 has east-0-880, north-1 and south-1 have not"}
	j.RPO.StaleReads = []string{"read of k7 by client 1 in north at +17.310 s missed 42, acknowledged at +13.921 s"}
	j.Findings[1] = record.Finding{
		Promise: "rpo", Verdict: record.Fail, Says: "12 of 2,612 acknowledged writes lost over 220 ms, all before the fault; objective 0",
		Evidence: []string{"add east-0-880 to set-3: acknowledged +13.703 s by east-1 in term 2, held by east-1 only", "set-3: east-1 has east-0-880, north-1 and south-1 have not"},
	}
	j.Findings[2] = record.Finding{Promise: "linearizable", Verdict: record.Fail, Says: "1 of 60 keys is not linearizable", Evidence: []string{"k7: read 41 at +17.310 s after 42 was acknowledged at +13.921 s"}}
	j.Linearizable.Violating = []string{"k7"}
	return r
}

// undecided could not read everything back, and its fault was never felt.
func undecided() *record.Run {
	r := passing()
	j := r.Judgement
	j.Verdict = record.Unknown
	j.RPO.FinalReadsFailed = 9
	j.Linearizable.Undecided = []string{"k12", "k31"}
	j.Findings[1] = record.Finding{Promise: "rpo", Verdict: record.Unknown, Says: "9 of 186 final reads failed, so what was lost is not known", Evidence: []string{"members of set-1 through south-1: context deadline exceeded"}}
	j.Findings[2] = record.Finding{Promise: "linearizable", Verdict: record.Unknown, Says: "2 of 60 keys ran out of time"}
	j.Findings[3] = record.Finding{Promise: "fault 1-kill", Verdict: record.Vacuous, Says: "was never felt"}
	j.RTO.Series[4].Eligible, j.RTO.Series[5].Eligible, j.RTO.Series[5].FromHeal = false, false, true
	j.RTO.Stages = nil
	r.Faults[0].Felt = record.Proof{Saw: "12 of 12 echoes answered"}
	r.Faults[0].Inject.Effective = record.Never
	var engine []record.Event
	for _, e := range r.Events {
		if e.Source != record.FromPlatform {
			engine = append(engine, e)
		}
	}
	r.Events = engine
	return r
}

// stuck never recovers for the clients of one region, and broke on the way.
func stuck() *record.Run {
	r := passing()
	j := r.Judgement
	j.Verdict = record.Fail
	j.RTO.Recovered, j.RTO.Worst = false, 34*time.Second
	w := &j.RTO.Series[0]
	w.Recovered, w.RTO, w.FirstAck, w.Outages[0].To = false, 34*time.Second, record.Never, record.Never
	w.LongestOutage = 33900 * ms
	j.RTO.Stages = j.RTO.Stages[:3]
	j.Findings[0] = record.Finding{Promise: "rto", Verdict: record.Fail, Says: "writes from east not recovered in 34 s, objective 30 s", Evidence: []string{"no good bucket after +14.100 s"}}
	j.Findings[4] = record.Finding{Promise: "stage elect", Verdict: record.Fail, Says: "took 1 s, budget 900 ms"}
	r.Faults[0].Spared = record.Proof{Saw: "north-1→south-1 did not answer"}
	return r
}

// interrupted was ended by Ctrl-C in the middle of its fault.
func interrupted() *record.Run {
	r := skeleton()
	r.Ops = load(r, 20, 3*time.Second, 16*time.Second)
	r.Broken = "interrupted by the user during faults; healed and cleaned"
	r.Phases = r.Phases[:3]
	r.Phases[2].To = record.Never
	r.Faults[0].Heal = record.Times{Planned: 34 * time.Second, Requested: 16100 * ms, Confirmed: 16300 * ms, Effective: record.Never}
	r.Faults[0].Gone = record.Proof{}
	r.Faults[0].HealError = "restart east-1: container is gone"
	r.Matrices = r.Matrices[:2]
	return r
}

// empty died before anything happened.
func empty() *record.Run {
	return &record.Run{Meta: record.Meta{
		ID: "2026-11-22T03-20-00Z-empty-0000", Scenario: "kill-leader", Target: "mcp", Runtime: "docker", Expect: record.Pass,
		Started: time.Date(2026, 11, 22, 3, 20, 0, 0, time.UTC), Broken: "start north-1: no such image",
	}}
}

// hostile has markup, control characters and nonsense wherever a foreign string can be.
func hostile() *record.Run {
	bad := "</title></text><script>alert('x')</script><img src=//evil.test/x onerror=alert(1)>\x00\x1b[31m\xff\u202e]]>|`*_\n\n# \"q\" & "
	r := lost()
	r.ID, r.Scenario, r.Description, r.Target, r.Runtime, r.RuntimeWhy, r.Broken = bad, bad, bad+strings.Repeat("Ł0ng", 400), bad, bad, bad, bad
	r.Versions = map[string]string{bad: bad}
	r.Topology.Zones[0].Region, r.Topology.Nodes[0].ID = topology.Region(bad), topology.NodeID(bad)
	for i := range r.Events {
		e := &r.Events[i]
		e.Source, e.Says, e.Node, e.Fields = record.FromPlatform, bad, topology.NodeID(bad), map[string]string{bad: bad, "term": bad}
		if i%2 == 0 {
			e.Kind = "elected"
		} else {
			e.Kind = bad
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
	f.ID, f.Name, f.Says, f.Error, f.HealError, f.Nodes = bad, bad, bad, bad, bad, []topology.NodeID{topology.NodeID(bad)}
	f.Felt.Saw, f.Gone.Saw, f.Spared.Saw = bad, bad, bad
	for i := range r.Matrices {
		r.Matrices[i].When = bad
		for k := range r.Matrices[i].Links {
			r.Matrices[i].Links[k].Error = bad
		}
	}
	j := r.Judgement
	for i := range j.Findings {
		j.Findings[i] = record.Finding{Promise: bad, Verdict: record.Verdict(bad), Says: bad, Evidence: []string{bad, bad}}
	}
	j.Verdict = record.Verdict(bad)
	for i := range j.RTO.Series {
		j.RTO.Series[i].Region = topology.Region(bad)
	}
	for i := range j.RTO.Stages {
		j.RTO.Stages[i].Name, j.RTO.Stages[i].Says = bad, bad
	}
	for i := range j.RPO.Lost {
		l := &j.RPO.Lost[i]
		l.Op.Key, l.Op.Value, l.Op.Node, l.Position, l.HeldBy = bad, bad, topology.NodeID(bad), bad, []topology.NodeID{topology.NodeID(bad)}
	}
	j.RPO.Phantoms, j.RPO.Diverged, j.RPO.Duplicates, j.RPO.StaleReads = []string{bad}, []string{bad}, []string{bad}, []string{bad}
	j.Linearizable.Violating, j.Linearizable.Undecided = []string{bad}, []string{bad}
	return r
}

// skeleton is a run of lose-main-region without its operations.
func skeleton() *record.Run {
	sec := func(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }
	t := topology.Topology{
		Zones:   []topology.Zone{{Region: "east", Weight: 70}, {Region: "north", Weight: 20}, {Region: "south", Weight: 10}},
		Latency: []topology.Distance{{A: "east", B: "north", OneWay: 15 * ms}, {A: "east", B: "south", OneWay: 15 * ms}, {A: "north", B: "south", OneWay: 15 * ms}},
	}
	for _, z := range t.Zones {
		t.Nodes = append(t.Nodes, topology.Node{ID: topology.NodeID(z.Region) + "-1", Region: z.Region, Service: "mcp", Voter: true})
	}
	r := &record.Run{
		Meta: record.Meta{
			ID: "2026-11-22T03-00-00Z-lose-main-region-7f3a", Scenario: "lose-main-region",
			Description: "Every node of the main region dies at once and is started again 20 s later.",
			Target:      "mcp", Runtime: "docker", RuntimeWhy: "engine 20.10.24 answers on unix:///var/run/docker.sock",
			Started: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), Seed: 8231907715, Topology: t,
			Objectives: record.Objectives{}.Resolve(), Expect: record.Pass,
			Versions: map[string]string{"holdfast": "v0.1.0", "go": "go1.26.0", "mcpd image": "sha256:5f2c9e0b7f3d1f1c6a5e7f7f0f5c3b1e9a8d7c6b5a49382716051423324150af"},
		},
		Phases: []record.Phase{
			{Name: record.Starting, From: 0, To: sec(3)},
			{Name: record.Baseline, From: sec(3), To: sec(13)},
			{Name: record.Faulty, From: sec(13), To: sec(34.3)},
			{Name: record.Observing, From: sec(34.3), To: sec(48)},
			{Name: record.Quiescing, From: sec(48), To: sec(48.6)},
			{Name: record.ReadBack, From: sec(48.6), To: sec(50)},
			{Name: record.Stopping, From: sec(50), To: sec(51.2)},
		},
		Faults: []record.Fault{{
			ID: "1-kill", Name: "kill", Episode: 1, Says: "kill east-1 (region east)", Nodes: []topology.NodeID{"east-1"},
			Damage: topology.Damage{Down: []topology.NodeID{"east-1"}},
			Inject: record.Times{Planned: sec(14), Requested: sec(14), Confirmed: sec(14.098), Effective: sec(14.118)},
			Heal:   record.Times{Planned: sec(34), Requested: sec(34.001), Confirmed: sec(34.24), Effective: sec(34.31)},
			Felt:   record.Proof{Proved: true, Saw: "east-1 exited (137), echo refused"},
			Gone:   record.Proof{Proved: true, Saw: "east-1 runs, echo in 31 ms"},
			Spared: record.Proof{Proved: true, Saw: "north-1→south-1 echo in 31 ms as before"},
		}},
	}
	r.Matrices = []record.Matrix{matrix(t, "before", sec(12.9), ""), matrix(t, "during 1-kill", sec(14.4), "east-1"), matrix(t, "after", sec(49), "")}
	add := func(s float64, source, kind, node, says string, fields map[string]string) {
		r.Events = append(r.Events, record.Event{At: sec(s), Source: source, Kind: kind, Node: topology.NodeID(node), Says: says, Fields: fields})
	}
	add(0, record.FromEngine, "start", "", "3 nodes in 3 regions", nil)
	add(2.1, record.FromPlatform, "elected", "east-1", "leader of all regions", map[string]string{"term": "2"})
	add(3, record.FromEngine, "load", "", "20 reads and 20 writes a second from each region", nil)
	add(14, record.FromFault, "inject", "east-1", "kill east-1 (region east)", nil)
	add(14.118, record.FromProbe, "felt", "east-1", "east-1 exited (137), echo refused", nil)
	add(14.9, record.FromPlatform, "strike", "north-1", "east-1 missed probe 1 of 3", nil)
	add(15.2, record.FromPlatform, "suspect", "north-1", "east-1 above mean + 2σ", nil)
	add(15.6, record.FromPlatform, "confirmed", "north-1", "east lost, 2 of 3 agree", nil)
	add(16.9, record.FromPlatform, "elected", "north-1", "leader after east-1", map[string]string{"term": "3"})
	add(17.1, record.FromPlatform, "weights", "north-1", "east 0, north 67, south 33", nil)
	add(34.001, record.FromFault, "heal", "east-1", "start east-1", nil)
	add(34.31, record.FromProbe, "gone", "east-1", "east-1 runs, echo in 31 ms", nil)
	add(36.2, record.FromPlatform, "rejoined", "east-1", "caught up at index 9120", nil)
	add(41.2, record.FromPlatform, "weights", "north-1", "east 70, north 20, south 10", nil)
	add(50, record.FromEngine, "stop", "", "everything removed", nil)
	return r
}

func matrix(t topology.Topology, when string, at time.Duration, dead topology.NodeID) record.Matrix {
	m := record.Matrix{When: when, At: at}
	for _, l := range t.Links() {
		s := record.LinkSample{Link: l, RTT: 2*t.OneWay(t.RegionOf(l.From), t.RegionOf(topology.End{Node: l.To})) + 210*time.Microsecond}
		if dead != "" && l.To == "north-1" && l.From.Node == "south-1" {
			s.RTT += 61 * ms
		}
		if dead != "" && (l.To == dead || l.From.Node == dead) {
			s.RTT, s.Error = 0, "dial tcp 127.0.1.2:7400: connect: connection refused"
			if l.From.Node == dead {
				s.Error = "read tcp 127.0.0.1:41622: i/o timeout"
			}
		}
		m.Links = append(m.Links, s)
	}
	return m
}

// load is rate operations a second of each class and region, silent where the
// skeleton's fault bites, from one seed.
func load(r *record.Run, rate int, from, to time.Duration) []history.Op {
	rng := rand.New(rand.NewPCG(1, 2))
	var ops []history.Op
	for at := from; at < to; at += time.Second / time.Duration(rate) {
		for i, region := range r.Topology.Regions() {
			for k, kind := range []history.Kind{history.Write, history.Read} {
				intended := at + time.Duration(i*3+k)*ms
				op := history.Op{
					ID: int64(len(ops) + 1), Client: len(ops) % 4, Region: region, Kind: kind, Key: fmt.Sprintf("k%d", len(ops)%20),
					Value: fmt.Sprint(len(ops)), Intended: intended, Call: intended + 40*time.Microsecond, Outcome: history.OK, Node: "east-1", Term: 2,
				}
				took := time.Duration(float64(12+10*i+15*(1-k))*(0.8+0.3*rng.Float64()+0.3*rng.ExpFloat64()*rng.Float64())) * ms
				back := 17400*ms - time.Duration((i+1)%3)*100*ms - time.Duration(k)*200*ms
				switch {
				case intended > 14*time.Second && intended < back-800*ms:
					op.Outcome, op.Error, took = history.Unknown, "rpc error: code = Unavailable desc = no leader", 2*time.Second
					if i == 0 {
						op.Outcome, op.Error, took = history.Failed, "dial tcp east-1:7400: connect: connection refused", 3*ms
					}
				case intended > 14*time.Second && intended < back:
					took = max(back-intended, took) + 20*ms
					if rng.IntN(5) == 0 {
						op.Outcome, op.Error = history.Unknown, "rpc error: code = DeadlineExceeded"
					}
				case intended > 34*time.Second && intended < 35*time.Second:
					took *= 3
				}
				if op.Return = intended + took; op.Return > 16900*ms {
					op.Node, op.Term = "north-1", 3
				}
				ops = append(ops, op)
			}
		}
	}
	return ops
}
