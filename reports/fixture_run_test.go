package reports

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// skeleton is a run of lose-main-region without its operations.
func skeleton() *record.Run {
	sec := func(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }
	t := topology.Topology{
		RegionSpecs: []topology.RegionSpec{{Region: "east", Weight: 70}, {Region: "north", Weight: 20}, {Region: "south", Weight: 10}},
		Latency:     []topology.RegionLatency{{A: "east", B: "north", OneWay: 15 * ms}, {A: "east", B: "south", OneWay: 15 * ms}, {A: "north", B: "south", OneWay: 15 * ms}},
	}
	for _, z := range t.RegionSpecs {
		t.Nodes = append(t.Nodes, topology.Node{ID: topology.NodeID(z.Region) + "-1", Region: z.Region, Service: "mcp", Voter: true})
	}
	r := &record.Run{
		Meta: record.Meta{
			ID: "2026-11-22T03-00-00Z-lose-main-region-7f3a", Scenario: "lose-main-region",
			Description: "Every node of the main region dies at once and is started again 20 s later.",
			Target:      "mcp", Runtime: "docker", RuntimeReason: "engine 20.10.24 answers on unix:///var/run/docker.sock",
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
			ID: "1-kill", Name: "kill", Episode: 1, Description: "kill east-1 (region east)", Nodes: []topology.NodeID{"east-1"},
			Impact:            topology.FaultImpact{Down: []topology.NodeID{"east-1"}},
			Inject:            record.Times{Planned: sec(14), Requested: sec(14), Confirmed: sec(14.098), Effective: sec(14.118)},
			Heal:              record.Times{Planned: sec(34), Requested: sec(34.001), Confirmed: sec(34.24), Effective: sec(34.31)},
			Active:            record.Proof{Proved: true, Observed: "east-1 exited (137), echo refused"},
			Cleared:           record.Proof{Proved: true, Observed: "east-1 runs, echo in 31 ms"},
			ControlUnaffected: record.Proof{Proved: true, Observed: "north-1→south-1 echo in 31 ms as before"},
		}},
	}
	r.Matrices = []record.Matrix{matrix(t, "before", sec(12.9), ""), matrix(t, "during 1-kill", sec(14.4), "east-1"), matrix(t, "after", sec(49), "")}
	add := func(s float64, source record.EventSource, kind record.EventKind, node, says string, fields map[string]string) {
		r.Events = append(r.Events, record.Event{At: sec(s), Source: source, Kind: kind, Node: topology.NodeID(node), Description: says, Fields: fields})
	}
	add(0, record.FromEngine, "start", "", "3 nodes in 3 regions", nil)
	add(2.1, record.FromPlatform, "elected", "east-1", "leader of all regions", map[string]string{"term": "2"})
	add(3, record.FromEngine, "load", "", "20 reads and 20 writes a second from each region", nil)
	add(14, record.FromFault, "inject", "east-1", "kill east-1 (region east)", nil)
	add(14.118, record.FromProbe, record.EventActive, "east-1", "east-1 exited (137), echo refused", nil)
	add(14.9, record.FromPlatform, "strike", "north-1", "east-1 missed probe 1 of 3", nil)
	add(15.2, record.FromPlatform, "suspect", "north-1", "east-1 above mean + 2σ", nil)
	add(15.6, record.FromPlatform, "confirmed", "north-1", "east lost, 2 of 3 agree", nil)
	add(16.9, record.FromPlatform, "elected", "north-1", "leader after east-1", map[string]string{"term": "3"})
	add(17.1, record.FromPlatform, "weights", "north-1", "east 0, north 67, south 33", nil)
	add(34.001, record.FromFault, "heal", "east-1", "start east-1", nil)
	add(34.31, record.FromProbe, record.EventCleared, "east-1", "east-1 runs, echo in 31 ms", nil)
	add(36.2, record.FromPlatform, "rejoined", "east-1", "caught up at index 9120", nil)
	add(41.2, record.FromPlatform, "weights", "north-1", "east 70, north 20, south 10", nil)
	add(50, record.FromEngine, "stop", "", "everything removed", nil)
	return r
}

func matrix(t topology.Topology, when string, at time.Duration, dead topology.NodeID) record.Matrix {
	m := record.Matrix{When: when, At: at}
	for _, l := range t.Links() {
		s := record.LinkSample{Link: l, RTT: 2*t.OneWay(t.RegionOf(l.From), t.RegionOf(topology.Endpoint{Node: l.To})) + 210*time.Microsecond}
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
