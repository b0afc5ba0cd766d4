package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// A register that is not linearizable has a chart beside the reports, which the finding names; one
// that is has none, and the charts of an earlier verdict go.
func TestLinearizabilityCharts(t *testing.T) {
	op := func(kind history.Kind, key, value string, call time.Duration) history.Op {
		o := history.Op{Kind: kind, Key: key, Region: "east", Call: call, Return: call + 1, Outcome: history.OK}
		if kind == history.Read {
			o.Output = value
		} else {
			o.Value = value
		}
		return o
	}
	violating := &record.Run{Ops: []history.Op{
		op(history.Write, "config/a b", "new", 1), op(history.Read, "config/a b", "", 5),
		op(history.Write, "fine", "new", 1), op(history.Read, "fine", "new", 5),
		op(history.Add, "set", "new", 1), op(history.SetRead, "set", "", 5),
		op(history.Write, "config/a_b", "new", 1), op(history.Read, "config/a_b", "", 5),
	}}
	dir, err := record.Create(t.TempDir(), record.Meta{ID: "run"})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, c := range []struct {
		name string
		run  *record.Run
		want string // files, joined
	}{
		{"violation", violating, "linearizability-config_a_b-2.html linearizability-config_a_b.html"},
		{"linearizable", &record.Run{Ops: violating.Ops[2:4]}, ""},
	} {
		c.run.Result = check.Judge(t.Context(), c.run, check.Options{})
		if err := writeLinearizabilityCharts(t.Context(), dir, c.run); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir.Path, "linearizability-*"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range files {
			files[i] = filepath.Base(files[i])
		}
		if got := strings.Join(files, " "); got != c.want {
			t.Errorf("%s: files %q, want %q", c.name, got, c.want)
		}
		evidence := ""
		for _, f := range c.run.Result.Findings {
			if f.Check == "linearizable" {
				evidence = strings.Join(f.Evidence, "\n")
			}
		}
		if c.want == "" {
			continue
		}
		want := "had returned before, and left another value\nchart of config/a b: linearizability-config_a_b.html\nconfig/a_b: "
		if !strings.Contains(evidence, want) {
			t.Errorf("%s: the evidence does not name the chart after what it says of the key:\n%s", c.name, evidence)
		}
		page, err := os.ReadFile(filepath.Join(dir.Path, "linearizability-config_a_b.html"))
		if err != nil || !strings.Contains(string(page), "write config/a b") {
			t.Errorf("%s: the chart does not show the write: %v", c.name, err)
		}
	}
}
