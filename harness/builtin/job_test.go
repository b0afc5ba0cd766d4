package builtin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

// What is in the library and what the manual shows can be run on its target.
func TestEveryScenarioResolvesOnItsTarget(t *testing.T) {
	all := scenarios.Library()
	manual, err := os.ReadFile("../../docs/writing-scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(manual), -1) {
		s, err := scenarios.Parse("manual", []byte(b[1]))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if len(all) < len(scenarios.Names())+3 {
		t.Fatalf("%d scenarios, want the library's %d and the manual's", len(all), len(scenarios.Names()))
	}
	for _, s := range all {
		if p, err := Resolve(s, 7); err != nil || p.Seed != 7 {
			t.Errorf("Resolve(%s): seed %d, %v", s.Name, p.Seed, err)
		}
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mine := "name: mine\nsteps: []\nseed: 3\n"
	for _, tt := range []struct {
		name, arg string
		seed      uint64
		wantSeed  uint64
		err       string
	}{
		{name: "a file with a seed", arg: write("mine.yaml", mine), wantSeed: 3},
		{name: "its seed overruled", arg: write("mine.yaml", mine), seed: 9, wantSeed: 9},
		{name: "a target that there is not", arg: write("target.yaml", "name: x\ntarget: mpc\nsteps: []\n"), err: `target.yaml:2:1: target: there is no target "mpc"`},
		{name: "a defect that there is not", arg: write("defect.yaml", "name: x\ntopology: {defects: [none]}\nsteps: []\n"), err: "defect.yaml:2:1: topology: "},
		{name: "a guard against an event that there is not", arg: write("guard.yaml", "name: x\nguards: {events: [confirmedd]}\nsteps: []\n"), err: `guard.yaml:2:19: guards.events[0]: "confirmedd" is no event of target mcp; there are `},
		{name: "a step that waits for one", arg: write("when.yaml", "name: x\nsteps:\n  - {at: 0s, for: 5s, when: event suspectd, fault: kill, on: {region: east}}\n"), err: `did you mean "suspect"?`},
		{name: "an expected one", arg: write("expect.yaml", "name: x\nobjectives: {expectEvents: [electd]}\nsteps: []\n"), err: `did you mean "elected"?`},
		{name: "a guard where nothing is reported", arg: write("etcd.yaml", "name: x\ntarget: etcd\nguards: {events: [elected]}\nsteps: []\n"), err: "target etcd reports no events"},
		{name: "a name that there is not", arg: "kill-ledaer", err: `did you mean "kill-leader"?`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j, err := Read(tt.arg, tt.seed)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want one that says %q", err, tt.err)
				}
				return
			}
			if err != nil || j.Plan.Seed != tt.wantSeed || string(j.Source) != mine {
				t.Errorf("Read: seed %d, source %q, %v; want seed %d and the file's text", j.Plan.Seed, j.Source, err, tt.wantSeed)
			}
		})
	}
}

// A scenario changed in code is resolved as changed.
func TestReadWithChanges(t *testing.T) {
	j, err := Read("kill-leader", 0, func(s *scenarios.Scenario) { s.Steps = []scenarios.StepSpec{} })
	if err != nil || len(j.Plan.Steps) != 0 {
		t.Errorf("Read: %d steps, %v; want none", len(j.Plan.Steps), err)
	}
	again, err := Read("kill-leader", 0)
	if err != nil || len(again.Plan.Steps) == 0 {
		t.Errorf("the library was changed: %d steps, %v", len(again.Plan.Steps), err)
	}
}

// What a stored plan says of programs is data of whoever wrote the record. Before,
// replay started the program, the image and the arguments that it named.
func TestStoredRunsOnlyWhatTheTargetStarts(t *testing.T) {
	p, err := Resolve(scenarios.Scenario{Name: "mine", Target: "mcp", Steps: []scenarios.StepSpec{}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		edit func(*scenarios.Plan)
		want string // in the error; empty for none
	}{
		{"as it was", func(*scenarios.Plan) {}, ""},
		{"another program", func(p *scenarios.Plan) { p.Topology.Nodes[1].Program.Package = "example.com/evil" }, `node north-1.program.package is "example.com/evil" in the plan and "github.com/mcp-resilience/holdfast/cmd/mcpd" in target mcp`},
		{"another module", func(p *scenarios.Plan) { p.Topology.Nodes[0].Program.Module = "../../evil" }, `node east-1.program.module is "../../evil"`},
		{"an image", func(p *scenarios.Plan) { p.Topology.Nodes[0].Program.Image = "evil:latest" }, `node east-1.program.image is "evil:latest"`},
		{"another argument", func(p *scenarios.Plan) {
			p.Topology.Nodes[0].Program.Args = append(slices.Clone(p.Topology.Nodes[0].Program.Args), "--exec=/bin/sh")
		}, `length of node east-1.program.args is 13 in the plan and 12 in target mcp`},
		{"an environment", func(p *scenarios.Plan) { p.Topology.Nodes[0].Program.Env = map[string]string{"LD_PRELOAD": "/evil.so"} }, `node east-1.program.env is {"LD_PRELOAD":"/evil.so"`},
		{"another port", func(p *scenarios.Plan) { p.Topology.Nodes[0].Ports[0].Number = 22 }, `node east-1.ports[0].number is 22`},
		{"another name", func(p *scenarios.Plan) { p.Topology.Nodes[0].ID = "../../etc" }, `a node ../../etc that target mcp does not have`},
		{"a node less", func(p *scenarios.Plan) { p.Topology.Nodes = p.Topology.Nodes[:2] }, `the plan lacks node south-1`},
		{"a node twice", func(p *scenarios.Plan) { p.Topology.Nodes = append(p.Topology.Nodes, p.Topology.Nodes[0]) }, `in another order`},
		{"another latency", func(p *scenarios.Plan) { p.Topology.Latency[0].OneWay++ }, `topology.latency[0].oneWay is `},
		{"another target", func(p *scenarios.Plan) { p.Target = "etcd" }, `node east-1.service is "mcp" in the plan and "etcd" in target etcd`},
		{"a target that there is not", func(p *scenarios.Plan) { p.Target = "evil" }, `there is no target "evil"`},
		{"another spec", func(p *scenarios.Plan) { p.TopologySpec.Nodes = 3 }, `node east-1.program.args[7] is "east-1/east/`},
		{"a name that is a path", func(p *scenarios.Plan) { p.Scenario = "../x" }, `plan: scenario: "../x" is no name`},
		{"more load than a file may ask for", func(p *scenarios.Plan) { p.Load.Writes = 1 << 30 }, `plan: load.writes: 1073741824 is out of range`},
		{"a setting that a file may not have", func(p *scenarios.Plan) {
			p.Steps = []scenarios.Step{{ID: "1-latency", Fault: "latency", With: &faults.Latency{Delay: -1}, For: 1, On: topology.Selector{Region: "east"}}}
		}, `plan: steps[0].with.delay`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			own := p
			own.Topology.Nodes, own.Topology.Latency = slices.Clone(p.Topology.Nodes), slices.Clone(p.Topology.Latency)
			for i := range own.Topology.Nodes {
				own.Topology.Nodes[i].Ports = slices.Clone(own.Topology.Nodes[i].Ports)
			}
			tt.edit(&own)
			stored, err := json.Marshal(own)
			if err != nil {
				t.Fatal(err)
			}
			j, err := Stored(stored, nil)
			if tt.want == "" {
				if err != nil || len(j.Plan.Topology.Nodes) != 3 {
					t.Errorf("got %+v, %v", j.Plan.Topology, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
		})
	}
}

// Records of before are replayed as long as the target starts what it started then.
func TestStoredReadsPlansOfBefore(t *testing.T) {
	for _, name := range []string{"schema1-lost-writes", "schema1-every-objective"} {
		r, err := record.Load(filepath.Join("../../record/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Stored(r.Plan, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
