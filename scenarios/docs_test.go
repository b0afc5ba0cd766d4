package scenarios_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

const manual = "../docs/writing-scenarios.md"

// sections are the manual's tables and the structs that they describe. What a
// row names inside is another struct's business.
func sections() map[string]reflect.Type {
	out := map[string]reflect.Type{
		"The file":     reflect.TypeFor[scenarios.Scenario](),
		"Steps":        reflect.TypeFor[scenarios.StepSpec](),
		"Topology":     reflect.TypeFor[topology.Spec](),
		"Load":         reflect.TypeFor[workload.Load](),
		"Drills":       reflect.TypeFor[scenarios.Drill](),
		"Load phases":  reflect.TypeFor[scenarios.LoadPhase](),
		"Guards":       reflect.TypeFor[scenarios.Guards](),
		"Blast radius": reflect.TypeFor[scenarios.BlastRadius](),
		"Objectives":   reflect.TypeFor[record.Objectives](),
	}
	for _, f := range faults.Catalogue() {
		out["`"+f.Name+"`"] = reflect.TypeOf(f.New()).Elem()
	}
	return out
}

// The manual has every field of the language and no other.
func TestManualNamesEveryField(t *testing.T) {
	text := read(t)
	for heading, typ := range sections() {
		want := yamlFields(typ)
		if heading == "Steps" { // its second table is of what `on` and `to` hold
			want = append(want, yamlFields(reflect.TypeFor[topology.Selector]())...)
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, rows(section(t, text, heading))); diff != "" {
			t.Errorf("fields under %q (-want +got):\n%s", heading, diff)
		}
	}
	for _, inner := range []struct {
		heading string
		typ     reflect.Type
	}{
		{"Topology", reflect.TypeFor[topology.RegionLatency]()},
		{"Topology", reflect.TypeFor[topology.SpecRegion]()},
		{"Load", reflect.TypeFor[workload.Mix]()},
		{"Load", reflect.TypeFor[workload.ClosedLoop]()},
	} {
		for _, f := range yamlFields(inner.typ) {
			if !strings.Contains(section(t, text, inner.heading), "`"+f+"`") {
				t.Errorf("%q does not mention `%s`", inner.heading, f)
			}
		}
	}
}

// The manual has every fault in the catalogue's words, and no other.
func TestManualNamesEveryFault(t *testing.T) {
	text := read(t)
	var want []string
	for _, f := range faults.Catalogue() {
		want = append(want, f.Name)
		says := strings.TrimSuffix(f.Doc, ".")
		if flat := strings.Join(strings.Fields(section(t, text, "`"+f.Name+"`")), " "); !strings.Contains(flat, says) {
			t.Errorf("the manual says of %s something else than the catalogue: %q", f.Name, f.Doc)
		}
	}
	var got []string
	for _, m := range regexp.MustCompile("(?m)^### `(.*)`$").FindAllStringSubmatch(text, -1) {
		got = append(got, m[1])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// Every scenario in the manual is one.
func TestManualScenariosParse(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(read(t), -1)
	if len(blocks) < 3 {
		t.Fatalf("found %d scenarios in the manual, want at least 3", len(blocks))
	}
	for _, b := range blocks {
		if _, err := scenarios.Parse(manual, []byte(b[1])); err != nil {
			t.Errorf("%v in:\n%s", err, b[1])
		}
	}
}

func read(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// section is the text between a heading and the next.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, after, ok := strings.Cut(text, "# "+heading+"\n")
	if !ok {
		t.Fatalf("the manual has no heading %q", heading)
	}
	before, _, _ := strings.Cut(after, "\n#")
	return before
}

// rows lists the names in the first column of a section's tables, sorted.
func rows(text string) []string {
	out := []string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return out
}

func yamlFields(t reflect.Type) []string {
	out := []string{}
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" {
			out = append(out, name)
		}
	}
	return out
}
