package record

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// sample is a run with something in every file.
func sample() *Run {
	change := true
	cut := topology.Flow{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: "east-1"}, Direction: topology.BothWays}
	return &Run{
		Meta: Meta{
			Schema: Schema, ID: "2026-11-22T03-00-00Z-lose-main-region-7f3a", Scenario: "lose-main-region", Target: "mcp", Runtime: "local",
			Started: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), Seed: 1 << 63,
			Topology: topology.Topology{
				RegionSpecs: []topology.RegionSpec{{Region: "east", Weight: 70}},
				Nodes:       []topology.Node{{ID: "east-1", Region: "east", Voter: true, Ports: []topology.Port{{Name: "api", Number: 7400}}}},
			},
			Objectives: Objectives{LeaderChange: &change, Stages: map[string]time.Duration{"elect": time.Second}}.Resolve(),
			Expect:     Pass, Versions: map[string]string{"go": "1.26"},
		},
		Plan:   json.RawMessage(`{"seed":9223372036854775808}`),
		Phases: []Phase{{Baseline, 0, 5 * time.Second}, {Faulty, 5 * time.Second, NotReached}},
		Faults: []Fault{{
			ID: "1-kill", Name: "kill", Episode: 1, Description: "kill east-1 (region east)", Nodes: []topology.NodeID{"east-1"}, Flows: []topology.Flow{cut},
			Impact: topology.FaultImpact{Down: []topology.NodeID{"east-1"}},
			Inject: Times{5, 6, 7, 8}, Heal: Times{9, NotReached, NotReached, NotReached}, Active: Proof{true, "exit"},
		}},
		Matrices: []Matrix{{When: "before", At: 1, Links: []LinkSample{{Link: cut.Link, RTT: 40 * time.Microsecond}}}},
		Events:   []Event{{At: 6, Source: FromFault, Kind: "inject", Fault: "1-kill", Fields: map[string]string{"a": "b"}}, {At: 8, Source: FromPlatform, Kind: "elected"}},
		Ops:      []history.Op{{ID: 1, Region: "east", Kind: history.Write, Key: "k", Value: "v", Outcome: history.OK}},
		Result: &Result{
			Verdict: Pass, Expected: Pass, SLOParams: SLOParams{}.Resolve(),
			Findings:     []Finding{{Check: "rto", Verdict: Pass, Description: "RTO 1.4 s"}},
			RTO:          &RTO{Min: 1, Median: 2, Max: 3},
			RPO:          &RPO{Lost: []LostWrite{{Position: "12 ms before 1-kill"}}},
			Availability: &Availability{Series: []AvailabilitySeries{{DueWithoutQuorum: 4, P50: 1, P99: 2, Max: 3}}},
			Linearizable: &Linearizable{Keys: 1},
		},
	}
}

// store writes everything of a run, and nodes.
func store(t *testing.T, r *Run) *Dir {
	t.Helper()
	d, err := Create(t.TempDir(), r.Meta)
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(d.Scenario([]byte("name: lose-main-region\n")))
	check(d.Plan(r.Plan))
	check(d.Run(r))
	check(d.Links(r.Matrices))
	for _, e := range r.Events {
		check(d.Event(e))
	}
	check(history.Save(d.History(), r.Ops))
	check(d.Result(r.Result))
	check(d.Close())
	return d
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	d := store(t, want)
	got, err := Load(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	compact := cmp.Transformer("compact", func(m json.RawMessage) string { return strings.Join(strings.Fields(string(m)), "") })
	if diff := cmp.Diff(want, got, compact); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What is stored today must read tomorrow: the files are compared with those
// in testdata, and those load.
func TestGolden(t *testing.T) {
	d := store(t, sample())
	golden := filepath.Join("testdata", "run")
	for _, name := range []string{ScenarioFile, PlanFile, RunFile, EventsFile, LinksFile, VerdictFile} {
		got, err := os.ReadFile(filepath.Join(d.Path, name))
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.MkdirAll(golden, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(golden, name), got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(filepath.Join(golden, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	r, err := Load(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{HistoryFile + " is missing"}, r.Partial); diff != "" {
		t.Errorf("gaps of the golden run (-want +got)\n%s", diff)
	}
}

// A record of an earlier schema, with something in every file, loads as the same run:
// each name that has changed since is translated.
func TestEarlierSchemasAreRead(t *testing.T) {
	for schema, differs := range map[int]func(*Run){
		1: func(r *Run) { r.Result.SLOParams.Lateness = 0 }, // it was not measured then
		2: func(*Run) {},
	} {
		t.Run(fmt.Sprint(schema), func(t *testing.T) {
			got, err := Load(filepath.Join("testdata", fmt.Sprintf("schema%d-sample", schema)))
			if err != nil {
				t.Fatal(err)
			}
			want := sample()
			differs(want)
			want.Schema, want.Ops, want.Partial = schema, nil, []string{HistoryFile + " is missing"}
			compact := cmp.Transformer("compact", func(m json.RawMessage) string { return strings.Join(strings.Fields(string(m)), "") })
			if diff := cmp.Diff(want, got, compact); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Every former name of a field is told from a name that nobody ever used: a document
// that has all of them comes out with today's alone.
func TestFormerNamesLeadToNamesOfToday(t *testing.T) {
	for file, c := range map[string]struct {
		former names
		into   any
	}{
		RunFile:     {formerRun, &Run{}},
		EventsFile:  {formerEvent, &Event{}},
		VerdictFile: {formerResult, &Result{}},
	} {
		document, err := json.Marshal(everyField(c.former, false))
		if err != nil {
			t.Fatal(err)
		}
		now, err := c.former.upgrade(document)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(now))
		d.DisallowUnknownFields()
		if err := d.Decode(c.into); err != nil {
			t.Errorf("%s: a former name leads to one that is no field: %v\n%s", file, err, now)
		}
		again, err := c.former.upgrade(now)
		if err != nil || !bytes.Equal(now, again) {
			t.Errorf("%s: translating twice is not the same (%v):\n%s\n%s", file, err, now, again)
		}
	}
}

// everyField makes an object with every former name, without values: null fits every type.
func everyField(n names, list bool) any {
	if n == nil {
		return nil
	}
	object := map[string]any{}
	for former, f := range n {
		object[former] = everyField(f.in, slices.Contains([]string{"nodes", "faults", "streams", "cuts", "findings", "series", "stages", "deliveries"}, former))
	}
	if list {
		return []any{object}
	}
	return object
}

func TestLoadPartial(t *testing.T) {
	cases := []struct {
		name   string
		damage func(t *testing.T, dir string)
		want   []string // Partial
	}{
		{"nothing but run.json", func(t *testing.T, dir string) {
			for _, f := range []string{ScenarioFile, PlanFile, EventsFile, LinksFile, HistoryFile, VerdictFile} {
				remove(t, dir, f)
			}
		}, []string{"plan.json is missing", "history.jsonl.zst is missing"}},
		{"no verdict yet", func(t *testing.T, dir string) { remove(t, dir, VerdictFile) }, nil},
		{"an event cut short", func(t *testing.T, dir string) { shorten(t, dir, EventsFile) }, []string{"events.jsonl ends in the middle of its last line"}},
		{"a history cut short", func(t *testing.T, dir string) { shorten(t, dir, HistoryFile) }, []string{"history.jsonl.zst is cut off after 0 operations"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := store(t, sample())
			c.damage(t, d.Path)
			r, err := Load(d.Path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, r.Partial); diff != "" {
				t.Errorf("gaps (-want +got)\n%s", diff)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	cases := []struct{ name, file, content, want string }{
		{"no run", RunFile, "", RunFile},
		{"broken JSON", RunFile, "{", RunFile},
		{"a later schema", RunFile, `{"schema":99}`, "schema 99"},
		{"a verdict of a later schema", VerdictFile, `{"schema":99}`, "schema 99"},
		{"a broken plan", PlanFile, "{", PlanFile},
		{"a broken verdict", VerdictFile, "{", VerdictFile},
		{"broken links", LinksFile, "{", LinksFile},
		{"an event that is none", EventsFile, "{}\nnonsense\n{}\n", EventsFile + ":2"},
		{"a history that is none", HistoryFile, "nonsense", HistoryFile},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := store(t, sample())
			path := filepath.Join(d.Path, c.file)
			if c.content == "" {
				remove(t, d.Path, c.file)
			} else if err := os.WriteFile(path, []byte(c.content), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Load(d.Path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one that says %q", err, c.want)
			}
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	d := store(t, sample())
	if _, err := Create(filepath.Dir(d.Path), sample().Meta); err == nil {
		t.Error("an id that is taken is no error")
	}
	for _, id := range []string{"", "../up", "a/b"} {
		if _, err := Create(t.TempDir(), Meta{ID: id}); err == nil {
			t.Errorf("%q is taken for a run id", id)
		}
	}
}

func TestReopenRewritesTheVerdict(t *testing.T) {
	old := store(t, sample())
	d, err := Reopen(old.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Result(&Result{Verdict: Fail}); err != nil {
		t.Fatal(err)
	}
	r, err := Load(old.Path)
	if err != nil {
		t.Fatal(err)
	}
	if r.Result.Verdict != Fail || len(r.Events) != len(sample().Events) {
		t.Errorf("verdict %s with %d events", r.Result.Verdict, len(r.Events))
	}
}

func TestNewID(t *testing.T) {
	at := time.Date(2026, 11, 22, 4, 0, 0, 0, time.FixedZone("elsewhere", 3600))
	got := NewID(at, "lose-main-region", rand.New(rand.NewPCG(1, 2)))
	if want := "2026-11-22T03-00-00Z-lose-main-region-"; !strings.HasPrefix(got, want) || len(got) != len(want)+4 {
		t.Errorf("got %q, want %s and four digits", got, want)
	}
}

func TestWorst(t *testing.T) {
	for _, c := range []struct {
		of   []Verdict
		want Verdict
	}{
		{nil, Vacuous},
		{[]Verdict{Pass}, Pass},
		{[]Verdict{Pass, Vacuous}, Vacuous},
		{[]Verdict{Vacuous, Unknown, Pass}, Unknown},
		{[]Verdict{Unknown, Fail, Pass}, Fail},
		{[]Verdict{Pass, "nonsense"}, "nonsense"},
	} {
		if got := Worst(c.of...); got != c.want {
			t.Errorf("worst of %v is %s, want %s", c.of, got, c.want)
		}
	}
}

func remove(t *testing.T, dir, file string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, file)); err != nil {
		t.Fatal(err)
	}
}

func shorten(t *testing.T, dir, file string) {
	t.Helper()
	path := filepath.Join(dir, file)
	s, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, s.Size()-1); err != nil {
		t.Fatal(err)
	}
}
