package builtin

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/scenarios"
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
