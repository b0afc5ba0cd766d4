package scenarios_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// everything uses every field there is.
const everything = `
name: everything
description: All that a file can say.
target: etcd
labels: [smoke, negative]
topology:
  nodes: 3
  profile: adaptive
  defects: [ack-before-replicate]
  latency:
    - {a: east, b: north, oneWay: 15ms}
load:
  reads: 20
  writes: 30
  localReads: 5
  mix: {write: 50, cas: 25, add: 15, publish: 10}
  consumers: 2
  class: config
  keys: 5
  opsPerKey: 1000
  clients: 2
  maxInFlight: 64
  timeout: 1s
baseline: 4s
seed: 18446744073709551615
episodes: 2
startJitter: 500ms
episodeGap: 8s
steps:
  - at: 0s
    fault: kill
    on: {region: east, service: mcp}
    for: 15s
  - {at: 2s, for: 5s, fault: partition, on: {node: north-1}, to: {region: south}, with: {mode: refuse, direction: to, clients: true}}
  - {at: 3s, fault: restart, on: {role: leader}}
  - {at: 4s, for: 1s, fault: bandwidth, on: {all: true}, with: {rate: 64KB/s}}
observe: 20s
objectives: {rto: 10s, rpo: 2, availability: 0.9, linearizable: false, leaderChange: true, trafficSwitch: false, falseAlarms: 2, redelivered: 2, rejectWithoutQuorum: true, disconnectedOperation: true, expectEvents: [confirmed, configured source=disk region=east], stages: {detect: 2s, first success: 3s}}
expect: fail
expectedFailures: [rpo, stale reads]
`

func TestParseEverything(t *testing.T) {
	yes, no, two := true, false, 2
	want := scenarios.Scenario{
		Name: "everything", Description: "All that a file can say.", Target: "etcd", Labels: []string{"smoke", "negative"},
		Topology: topology.Spec{
			Nodes: 3, Profile: "adaptive", Defects: []string{"ack-before-replicate"},
			Latency: []topology.RegionLatency{{A: "east", B: "north", OneWay: 15 * time.Millisecond}},
		},
		Load: workload.Load{
			Reads: 20, Writes: 30, LocalReads: 5, Mix: workload.Mix{Write: 50, CAS: 25, Add: 15, Publish: 10}, Consumers: 2,
			Class: "config", Keys: 5, OpsPerKey: 1000, Clients: 2, MaxInFlight: 64, Timeout: time.Second,
		},
		Baseline: 4 * time.Second, Seed: 1<<64 - 1, Episodes: 2, StartJitter: 500 * time.Millisecond, EpisodeGap: 8 * time.Second,
		Steps: []scenarios.StepSpec{
			{For: 15 * time.Second, Fault: "kill", On: topology.Selector{Region: "east", Service: "mcp"}, With: &faults.Kill{}},
			{
				At: 2 * time.Second, For: 5 * time.Second, Fault: "partition",
				On: topology.Selector{Node: "north-1"}, To: topology.Selector{Region: "south"},
				With: &faults.Partition{Mode: links.Refuse, Direction: faults.To, Clients: true},
			},
			{At: 3 * time.Second, For: time.Second, Fault: "restart", On: topology.Selector{Role: topology.Leader}, With: &faults.Restart{}},
			{At: 4 * time.Second, For: time.Second, Fault: "bandwidth", On: topology.Selector{All: true}, With: &faults.Bandwidth{Rate: 64_000}},
		},
		Observe: 20 * time.Second,
		Objectives: record.Objectives{
			RTO: 10 * time.Second, RPO: 2, Availability: 0.9, Linearizable: &no, LeaderChange: &yes, TrafficSwitch: &no, FalseAlarms: &two, Redelivered: &two, RejectWithoutQuorum: true, DisconnectedOperation: true,
			ExpectEvents: []record.EventPattern{{Kind: "confirmed"}, {Kind: "configured", Fields: map[string]string{"source": "disk", "region": "east"}}},
			Stages:       map[string]time.Duration{"detect": 2 * time.Second, "first success": 3 * time.Second},
		},
		Expect: record.Fail, ExpectedFailures: []string{"rpo", "stale reads"},
	}
	got, err := scenarios.Parse("everything.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(scenarios.Scenario{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Scenario files of earlier versions name checks by their former ids.
func TestFormerCheckIDs(t *testing.T) {
	s, err := scenarios.Parse("former.yaml", []byte("name: x\nsteps: []\nexpect: fail\nbreaks: [refuse, shed, tells, autonomy, switch, nodes, rto]\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"quorum loss rejection", "load shedding", "expected events", "disconnected operation", "traffic switch", "node crashes", "rto"}
	if diff := cmp.Diff(want, s.ExpectedFailures); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// each case is a file and its problems, all of them, one a line.
func TestProblems(t *testing.T) {
	const step = "name: x\nsteps:\n  - "
	checks := strings.Join(record.Checks(), ", ")
	for _, c := range []struct{ name, file, want string }{
		{"unknown field", "name: x\nstep: []\nsteps: []\n", `f.yaml:2:1: step: is no field here; there are name, description, target, uses, matrix, drill, labels, topology, load, baseline, seed, episodes, startJitter, episodeGap, steps, guards, blastRadius, loadPhases, observe, objectives, expect, expectedFailures; did you mean "steps"?`},
		{"unknown fault", step + "{at: 0s, for: 1s, fault: partiton, on: {all: true}}", `f.yaml:3:23: steps[0].fault: "partiton" is none of ` + faultNames() + `; did you mean "partition"?`},
		{"unknown setting", step + "{at: 0s, for: 1s, fault: latency, on: {all: true}, with: {dely: 1s}}", "f.yaml:3:63: steps[0].with.dely: is no field here; there are delay, jitter, distribution, direction, clients, clientsOnly; did you mean \"delay\"?"},
		{"wrong setting", step + "{at: 0s, for: 1s, fault: isolate, on: {all: true}, with: {mode: blakhole}}", `f.yaml:3:63: steps[0].with.mode: "blakhole" is none of hold, blackhole, refuse, reset; did you mean "blackhole"?`},
		{"setting missing", step + "{at: 0s, for: 1s, fault: latency, on: {all: true}}", "f.yaml:3:5: steps[0].with.delay: must be more than nothing, such as 100ms"},
		{"settings before their fault", step + "with: {clients: 1}\n    fault: isolate\n    at: 0s\n    for: 1s\n    on: {all: true}", "f.yaml:3:12: steps[0].with.clients: 1 is no true or false"},
		{"a fault without settings", step + "{at: 0s, for: 1s, fault: kill, on: {all: true}, with: {signal: KILL}}", "f.yaml:3:60: steps[0].with.signal: is no field here; there are none"},
		{"unknown selector", step + "{at: 0s, for: 1s, fault: kill, on: {regoin: east}}", `f.yaml:3:41: steps[0].on.regoin: is no field here; there are region, service, role, node, all, not, count, percent, randomMaxPercent, allowEmpty; did you mean "region"?`},
		{"unknown role", step + "{at: 0s, for: 1s, fault: kill, on: {role: leadr}}", `f.yaml:3:41: steps[0].on.role: "leadr" is none of leader, follower, stream-leader; did you mean "leader"?`},
		{"unknown label", "name: x\nlabels: [smoke, ful]\nsteps: []", `f.yaml:2:17: labels[1]: "ful" is none of smoke, full, negative, nightly; did you mean "full"?`},
		{"no unit", step + "{at: 0, for: 10, fault: kill, on: {all: true}}", "f.yaml:3:6: steps[0].at: 0 is no duration: want a number with its unit, such as 500ms, 5s or 2m\n" +
			"f.yaml:3:13: steps[0].for: 10 is no duration: want a number with its unit, such as 500ms, 5s or 2m"},
		{"negative and zero durations", step + "{at: -1s, for: 0s, fault: kill, on: {all: true}}\n  - {at: 0s, for: -1s, fault: restart, on: {all: true}}", "f.yaml:3:6: steps[0].at: -1s is out of range: want 0s to 1h0m0s\n" +
			"f.yaml:3:15: steps[0].for: 0s is out of range: want more than 0s, at most 1h0m0s\n" +
			"f.yaml:4:14: steps[1].for: -1s is out of range: want more than 0s, at most 1h0m0s"},
		{"no length", step + "{at: 0s, fault: kill, on: {all: true}}", "f.yaml:3:5: steps[0].for: is missing: how long does kill last?"},
		{"nobody", step + "{at: 0s, for: 1s, fault: kill}\n  - {for: 1s, fault: partition, on: {all: true}, to: {all: false}}", "f.yaml:3:5: steps[0].on: chooses nobody: want region, service, role, node, all or not\n" +
			"f.yaml:4:50: steps[1].to: chooses nobody: leave it out for all others"},
		{"no other side", step + "{at: 0s, for: 1s, fault: kill, on: {all: true}, to: {region: east}}", "f.yaml:3:53: steps[0].to: kill has victims only, no other side: leave it out"},
		{"twice", "name: x\nsteps: []\nname: y", "f.yaml:3:1: name: is given twice"},
		{"twice, by the former name and the current", "name: x\nsteps: []\nobjectives: {refuse: true, rejectWithoutQuorum: true}\nload:\n  maxInFlight: 5\n  slots: 5\nphase: 1s\nphase: 2s", "f.yaml:3:28: objectives.rejectWithoutQuorum: is given twice: \"refuse\" is the former name of \"rejectWithoutQuorum\"; keep \"rejectWithoutQuorum\" alone\n" +
			"f.yaml:6:3: load.slots: is given twice: \"slots\" is the former name of \"maxInFlight\"; keep \"maxInFlight\" alone\n" +
			"f.yaml:8:1: phase: is given twice"},
		{"stale reads of a linearizable store", "name: x\nsteps: []\nobjectives: {staleReads: {allowed: true}}", "f.yaml:3:14: objectives.staleReads: allows what is never linearizable: give linearizable: false as well"},
		{"stale reads, and which", "name: x\nsteps: []\nobjectives: {linearizable: false, staleReads: {}}", "f.yaml:3:35: objectives.staleReads: wants either allowed: true or a maxAge"},
		{"near a former name", "name: x\nsteps: []\nobjectives: {refused: true}\nbreakes: [rpo]", "f.yaml:3:14: objectives.refused: is no field here; there are rto, rpo, goodLatency, bucket, stable, latency, availability, linearizable, leaderChange, trafficSwitch, falseAlarms, redelivered, rejectWithoutQuorum, loadShedding, expectEvents, disconnectedOperation, staleReads, splitBrain, stages\n" +
			"f.yaml:4:1: breakes: is no field here; there are name, description, target, uses, matrix, drill, labels, topology, load, baseline, seed, episodes, startJitter, episodeGap, steps, guards, blastRadius, loadPhases, observe, objectives, expect, expectedFailures"},
		{"a wrong value under a former name", "name: x\nsteps: []\nphase: 0s", "f.yaml:3:1: startJitter: 0s is out of range: want 1ms to 1m0s"},
		{"nodes", "name: x\nsteps: []\ntopology: {nodes: 2}", "f.yaml:3:12: topology.nodes: 2 is none of 1, 3, 5"},
		{"distances", "name: x\nsteps: []\ntopology:\n  latency:\n    - {a: e, b: e, oneWay: 1s}\n    - {a: e, b: f, oneWay: 1m}\n    - {a: f, b: e, oneWay: 1s}", "f.yaml:5:7: topology.latency[0]: wants two different regions, a and b\n" +
			"f.yaml:6:20: topology.latency[1].oneWay: 1m0s is out of range: want 0s to 10s\n" +
			"f.yaml:7:7: topology.latency[2]: f and e are given twice"},
		{"load", "name: x\nsteps: []\nload: {reads: 0, opsPerKey: 1001, mix: {write: 60, cas: 60, add: -20}, writes: 1.5, keys: many, class: a/b}", "f.yaml:3:8: load.reads: 0 is out of range: want 1 to 20000\n" +
			"f.yaml:3:18: load.opsPerKey: 1001 is out of range: want 1 to 1000\n" +
			"f.yaml:3:35: load.mix: 60 write + 60 cas + -20 add + 0 transfer + 0 publish + 0 append is 100, want shares of 100\n" +
			"f.yaml:3:72: load.writes: 1.5 is no whole number\n" +
			"f.yaml:3:85: load.keys: many is no whole number\n" +
			"f.yaml:3:97: load.class: \"a/b\" is no name of a class of data: want lower-case letters, digits and dashes"},
		{"objectives", "name: x\nsteps: []\nobjectives: {rto: 0s, rpo: -1, availability: 1.1, stages: {elct: 1s}, rejectWithoutQuorum: yes}\nexpect: failed\nobserve: 5s", "f.yaml:3:14: objectives.rto: 0s is out of range: want 1ms to 1h0m0s\n" +
			"f.yaml:3:23: objectives.rpo: -1 is out of range: want 0 or more lost writes\n" +
			"f.yaml:3:32: objectives.availability: 1.1 is out of range: want a share from 0 to 1\n" +
			"f.yaml:3:60: objectives.stages.elct: \"elct\" is none of detect, arbitrate, elect, switch, first success, stable; did you mean \"elect\"?\n" +
			"f.yaml:3:71: objectives.rejectWithoutQuorum: yes is no true or false\n" +
			"f.yaml:4:1: expect: \"failed\" is none of pass, vacuous, unknown, fail; did you mean \"fail\"?\n" +
			"f.yaml:5:1: observe: 5s is out of range: want 6s to 1h0m0s"},
		{"what must be reported", "name: x\nsteps: []\nobjectives: {expectEvents: [source=disk, {kind: elected}, a b=c disk, elected term=3 term=4, '']}", "f.yaml:3:29: objectives.expectEvents[0]: \"source=disk\" has no kind of event: want KIND, or KIND FIELD=VALUE …, such as configured source=disk\n" +
			"f.yaml:3:42: objectives.expectEvents[1]: is a mapping, want text\n" +
			"f.yaml:3:59: objectives.expectEvents[2]: \"disk\" is no field of an event: want FIELD=VALUE, such as source=disk\n" +
			"f.yaml:3:71: objectives.expectEvents[3]: \"elected term=3 term=4\" gives term twice\n" +
			"f.yaml:3:94: objectives.expectEvents[4]: is empty: want the kind of an event, such as elected"},
		{"redelivery to nobody", "name: x\nsteps: []\nobjectives: {rpo: 0,\n  redelivered: 0}", "f.yaml:4:3: objectives.redelivered: is about consumers, and there are none: give load.consumers"},
		{"nothing to be told", "name: x\nsteps: []\nobjectives: {expectEvents: []}", "f.yaml:3:14: objectives.expectEvents: is empty: name an event, or leave it out"},
		{"expected failures that do not exist", "name: x\nsteps: []\nexpect: fail\nexpectedFailures: [rpo, stale]", "f.yaml:4:25: expectedFailures[1]: \"stale\" is none of " + checks},
		{"an expected failure misspelt", "name: x\nsteps: []\nexpect: fail\nexpectedFailures: [linearisable]", "f.yaml:4:20: expectedFailures[0]: \"linearisable\" is none of " + checks + "; did you mean \"linearizable\"?"},
		{"fails in nothing", "name: x\nsteps: []\nexpect: fail\nexpectedFailures: []", "f.yaml:4:1: expectedFailures: is missing: expect: fail needs the ids of the checks that must fail. There are " + checks},
		{"fails without expected failures", "name: x\nsteps: []\nexpect: fail", "f.yaml:1:1: expectedFailures: is missing: expect: fail needs the ids of the checks that must fail. There are " + checks},
		{"passes and breaks", "name: x\nsteps: []\nexpectedFailures: [rpo]", "f.yaml:3:1: expectedFailures: is for scenarios with expect: fail"},
		{"is unknown and breaks", "name: x\nsteps: []\nexpect: unknown\nexpectedFailures: [rpo]", "f.yaml:4:1: expectedFailures: is for scenarios with expect: fail"},
		{"too many steps", "name: x\nsteps:\n" + strings.Repeat("  - {at: 0s, fault: restart, on: {all: true}}\n", 65), "f.yaml:2:1: steps: has 65 entries, want at most 64"},
		{"wrong shapes", "name: [x]\nsteps: {a: 1}\nload: 3\nlabels: smoke\nseed: -1", "f.yaml:1:1: name: is a list, want text\n" +
			"f.yaml:2:1: steps: is a mapping, want list\nf.yaml:3:1: load: 3 is no mapping\nf.yaml:4:1: labels: smoke is no list\nf.yaml:5:1: seed: -1 is no whole number from 0 up"},
		{"nothing there", "name:\nsteps:\n", "f.yaml:1:1: name: has no value\nf.yaml:2:1: steps: has no value"},
		{"what must be there", "target: mcp", "f.yaml:1:1: name: is missing\nf.yaml:1:1: steps: is missing; a run without faults needs an empty list, []"},
		{"a name that is a path", "name: ../../etc\nsteps: []", `f.yaml:1:1: name: "../../etc" is no name: want at most 63 lower-case letters, digits and dashes`},
		{"commands", step + "{at: 0s, for: 1s, fault: exec, on: {all: true}, with: {command: reboot}}", `f.yaml:3:23: steps[0].fault: "exec" is none of ` + faultNames()},
		{"anchors", "name: &n x\nsteps: []\n", "f.yaml:1:1: name: anchors, aliases, tags and merges are not allowed: write the value out"},
		{"tags", "name: !!binary eA==\nsteps: []\n", "f.yaml:1:1: name: anchors, aliases, tags and merges are not allowed: write the value out"},
		{"syntax", "name: x\nsteps: [\n", "f.yaml:2:8: sequence end token ']' not found"},
		{"no document", "# nothing\n", "f.yaml: is empty: it holds no scenario"},
		{"two documents", "name: x\n---\nname: y\n", "f.yaml: has 2 documents, want one scenario"},
		{"no mapping", "- name: x", "f.yaml:1:1: is a list, want mapping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := scenarios.Parse("f.yaml", []byte(c.file))
			if err == nil {
				t.Fatal("no problem found")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestManyProblemsAreCutShort(t *testing.T) {
	_, err := scenarios.Parse("f.yaml", []byte("name: x\nsteps: []\nlabels: ["+strings.Repeat("a, ", 30)+"b]"))
	var ps scenarios.Diagnostics
	if !errors.As(err, &ps) || len(ps) != 31 || !strings.HasSuffix(err.Error(), "\nand 11 more") || strings.Count(err.Error(), "\n") != 20 {
		t.Errorf("%d problems, told as\n%v", len(ps), err)
	}
}

// Selectors are checked against the topology, and still blamed in the file.
func TestResolveProblems(t *testing.T) {
	for _, c := range []struct{ name, steps, want string }{
		{"region", "{at: 0s, fault: restart, on: {region: est}}", `f.yaml:3:35: steps[0].on.region: "est" is none of east, north, south; did you mean "east"?`},
		{"node", "{at: 0s, fault: restart, on: {node: east-9}}", `f.yaml:3:35: steps[0].on.node: "east-9" is none of east-1, north-1, south-1; did you mean "east-1"?`},
		{"service", "{at: 0s, fault: restart, on: {service: mpc}}", `f.yaml:3:35: steps[0].on.service: "mpc" is none of mcp; did you mean "mcp"?`},
		{"nobody has both", "{at: 0s, fault: restart, on: {region: east, node: north-1}}", "f.yaml:3:30: steps[0].on: matches no node; there are east-1, north-1, south-1"},
		{"the other side", "{at: 0s, for: 1s, fault: partition, on: {region: east}, to: {region: west}}", `f.yaml:3:66: steps[0].to.region: "west" is none of east, north, south; did you mean "east"?`},
		{"both sides", "{at: 0s, for: 1s, fault: partition, on: {region: east}, to: {all: true}}", "f.yaml:3:61: steps[0].to: east-1 is on both sides"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := scenarios.Parse("f.yaml", []byte("name: x\nsteps:\n  - "+c.steps+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Resolve(three(1), 1)
			var ps scenarios.Diagnostics
			if !errors.As(err, &ps) {
				t.Fatalf("error is %v, want problems", err)
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(everything))
	former, err := os.ReadFile("testdata/former-names.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(former)
	for _, name := range scenarios.Names() {
		data, err := os.ReadFile(name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{"", "a: &a [*a]", "- - - -", "? x", "<<: {name: x}", "name: x\nsteps: [{fault: latency, with: 3}]", "\x00", "a: |\n  b", "!!set {}", strings.Repeat("[", 5000)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := scenarios.Parse("fuzz", data)
		if err != nil {
			return
		}
		// What the loader accepts, the rest of the package can use.
		p, err := s.Resolve(three(1), 1)
		if err != nil {
			return
		}
		if len(p.Timeline()) != 2*len(p.Steps) {
			t.Errorf("%d steps, %d rows", len(p.Steps), len(p.Timeline()))
		}
	})
}

// BenchmarkParse is what it costs to read a scenario that uses every field, and to
// make a plan of it.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s, err := scenarios.Parse("everything.yaml", []byte(everything))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Resolve(three(3), 1); err != nil {
			b.Fatal(err)
		}
	}
}

// faultNames lists the catalogue as errors do.
func faultNames() string {
	var names []string
	for _, e := range faults.Catalogue() {
		names = append(names, e.Name)
	}
	return strings.Join(names, ", ")
}
