package scenarios_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mcp-resilience/holdfast/scenarios"
)

// The schema in the tree is the one of the language as it is. After a change of the language:
// go test ./scenarios -run TestSchemaIsCurrent -update
func TestSchemaIsCurrent(t *testing.T) {
	file := "../" + scenarios.SchemaFile
	if *update {
		if err := os.WriteFile(file, scenarios.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(scenarios.Schema()), string(stored)); diff != "" {
		t.Errorf("%s is not that of the language; rewrite it with -update (-want +got):\n%s", file, diff)
	}
}

// compiledSchema is the schema as a validator of files.
func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(scenarios.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validateAgainst says what the schema finds wrong with a file.
func validateAgainst(t *testing.T, s *jsonschema.Schema, file string) error {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestSchemaAcceptsWhatParseAccepts(t *testing.T) {
	s := compiledSchema(t)
	files := map[string]string{"everything": everything}
	former, err := os.ReadFile("testdata/former-names.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files["former names"] = string(former)
	for _, name := range scenarios.Names() {
		source, err := scenarios.Source(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(source)
		if first, _, _ := strings.Cut(string(source), "\n"); first != scenarios.SchemaComment("../"+scenarios.SchemaFile) {
			t.Errorf("%s.yaml does not begin with the comment that tells editors its schema: %q", name, first)
		}
	}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(read(t), -1) {
		files["manual: "+block[1][:min(40, len(block[1]))]] = block[1]
	}
	for name, file := range files {
		if err := validateAgainst(t, s, file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A schema that accepts everything would pass the test above.
func TestSchemaRefusesWhatParseRefuses(t *testing.T) {
	s := compiledSchema(t)
	const step = "name: x\nsteps:\n  - "
	for name, file := range map[string]string{
		"unknown field":            "name: x\nsteps: []\nobjectivs: {}",
		"unknown nested field":     "name: x\nsteps: []\nload: {mix: {writes: 100}}",
		"no name":                  "steps: []",
		"no steps":                 "name: x",
		"a name that is a path":    "name: ../x\nsteps: []",
		"unknown fault":            step + "{at: 0s, for: 1s, fault: kil, on: {all: true}}",
		"setting of another fault": step + "{at: 0s, for: 1s, fault: isolate, on: {all: true}, with: {delay: 1s}}",
		"unknown mode":             step + "{at: 0s, for: 1s, fault: isolate, on: {all: true}, with: {mode: blakhole}}",
		"no length":                step + "{at: 0s, fault: kill, on: {all: true}}",
		"no other side":            step + "{at: 0s, for: 1s, fault: kill, on: {all: true}, to: {region: east}}",
		"nobody":                   step + "{at: 0s, for: 1s, fault: kill, on: {}}",
		"unknown role":             step + "{at: 0s, for: 1s, fault: kill, on: {role: leadr}}",
		"no unit":                  step + "{at: 0, for: 1s, fault: kill, on: {all: true}}",
		"unknown unit":             step + "{at: 0s, for: 1d, fault: kill, on: {all: true}}",
		"nodes":                    "name: x\nsteps: []\ntopology: {nodes: 2}",
		"too many episodes":        "name: x\nsteps: []\nepisodes: 101",
		"unknown verdict":          "name: x\nsteps: []\nexpect: failed",
		"unknown check":            "name: x\nsteps: []\nexpect: fail\nexpectedFailures: [stale]",
		"unknown stage":            "name: x\nsteps: []\nobjectives: {stages: {elct: 1s}}",
		"a word for a number":      "name: x\nsteps: []\nload: {keys: many}",
		"a fraction":               "name: x\nsteps: []\nload: {writes: 1.5}",
		"a list for a text":        "name: [x]\nsteps: []",
		"a negative seed":          "name: x\nsteps: []\nseed: -1",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := scenarios.Parse("f.yaml", []byte(file)); err == nil {
				t.Error("Parse accepts it")
			}
			if err := validateAgainst(t, s, file); err == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		path string
		want scenarios.Field
	}{
		{"episodes", scenarios.Field{Name: "episodes", Path: "episodes", Type: "whole number", Range: "1 to 100", LeftOut: "1", Description: "how often the steps are carried out; objectives must hold for the worst episode"}},
		{"steps[2].at", scenarios.Field{Name: "at", Path: "steps.at", Type: "duration, such as 5s", Range: "0s to 1h", Description: "when the fault begins, or begins to wait for `when`"}},
		{"episodeGap", scenarios.Field{
			Name: "episodeGap", Path: "episodeGap", Type: "duration, such as 5s", Range: "1s to 1h", Former: []string{"gap"},
			Description: "time from an episode's last heal to the next episode; at least the stability window, `objectives.stable`",
			LeftOut:     "as long as recovery may take, and 5 s",
		}},
		{"gap", scenarios.Field{
			Name: "episodeGap", Path: "episodeGap", Type: "duration, such as 5s", Range: "1s to 1h", Former: []string{"gap"},
			Description: "time from an episode's last heal to the next episode; at least the stability window, `objectives.stable`",
			LeftOut:     "as long as recovery may take, and 5 s",
		}},
		{"steps.with.partition.direction", scenarios.Field{
			Name: "direction", Path: "steps.with.partition.direction", Type: "text", Values: []string{"both", "to", "from"},
			Description: manualCell(t, "`partition`", "direction"),
		}},
	} {
		got, err := scenarios.Explain(c.path)
		if err != nil {
			t.Errorf("Explain(%s): %v", c.path, err)
			continue
		}
		asJSON := func(f scenarios.Field) string {
			b, err := json.MarshalIndent(f, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		if diff := cmp.Diff(asJSON(c.want), asJSON(got)); diff != "" {
			t.Errorf("Explain(%s) (-want +got):\n%s", c.path, diff)
		}
	}
}

// manualCell is the second cell of a field's row in the manual.
func manualCell(t *testing.T, heading, field string) string {
	t.Helper()
	for _, line := range strings.Split(section(t, read(t), heading), "\n") {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `"+field+"`") {
			return strings.TrimSuffix(cells[1], " |")
		}
	}
	t.Fatalf("the manual has no row %s under %s", field, heading)
	return ""
}

func TestExplainSuggests(t *testing.T) {
	for path, want := range map[string]string{
		"step":                   `a scenario has no field "step"; there are name, `,
		"steps.on.cuont":         `did you mean "steps.on.count"?`,
		"steps.with.latncy":      `did you mean "steps.with.latency"?`,
		"objectives.rtoo":        `did you mean "objectives.rto"?`,
		"objectives.rto.seconds": `objectives.rto has no fields, and so no "seconds"`,
	} {
		if _, err := scenarios.Explain(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Explain(%s): %v, want %s", path, err, want)
		}
	}
}

// Every field has a description: an editor and "holdfast explain" show it.
func TestEveryFieldIsDescribed(t *testing.T) {
	var walk func(scenarios.Field)
	walk = func(f scenarios.Field) {
		if f.Description == "" {
			t.Errorf("%s has no description", f.Path)
		}
		for _, in := range append(f.Fields, f.With...) {
			walk(in)
		}
	}
	walk(scenarios.Language())
}
