package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/internal/printable"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

func (a *app) listVerb() *cobra.Command {
	kinds := map[string]func() error{
		"scenarios": a.listScenarios,
		"faults":    a.listFaults,
		"targets":   a.listTargets,
		"runs":      a.listRuns,
	}
	names := []string{"scenarios", "faults", "targets", "runs"}
	return &cobra.Command{
		Use:   "list [scenarios|faults|targets|runs]",
		Short: "List the scenarios of the library, or the faults, targets, or stored runs",
		Long: `List prints the scenarios of the library with their labels. "list faults" prints
the catalogue of faults, each with its settings, an example step of a scenario
file, and how true it is to the thing itself on each runtime. "list targets" prints the systems that can be tested, and "list runs" the
stored runs with their verdicts; a run in progress names its process.`,
		Example:   "  holdfast list\n  holdfast list faults\n  holdfast list runs --json",
		ValidArgs: names,
		Args:      wantArgs(0, 1, "at most one of "+strings.Join(names, ", ")),
		RunE: func(_ *cobra.Command, args []string) error {
			what := "scenarios"
			if len(args) > 0 {
				what = args[0]
			}
			list, ok := kinds[what]
			if !ok {
				return unknownValue("list", what, names)
			}
			return list()
		},
	}
}

func (a *app) listScenarios() error {
	type row struct {
		Name             string         `json:"name"`
		Target           string         `json:"target"`
		Labels           []string       `json:"labels"`
		Expect           record.Verdict `json:"expect"`
		ExpectedFailures []string       `json:"expectedFailures,omitempty"`
		Description      string         `json:"description"`
	}
	var rows []row
	for _, s := range scenarios.Library() {
		expect := s.Expect
		if expect == "" {
			expect = record.Pass
		}
		rows = append(rows, row{s.Name, s.Target, s.Labels, expect, s.ExpectedFailures, oneLine(s.Description)})
	}
	if a.json {
		return printJSON(a.out, rows)
	}
	t := a.table("scenario", "target", "labels", "what happens")
	for _, r := range rows {
		first, _, _ := strings.Cut(r.Description, ". ")
		if r.Expect != record.Pass {
			must := "come out " + string(r.Expect)
			if len(r.ExpectedFailures) > 0 {
				must += " in " + strings.Join(r.ExpectedFailures, ", ")
			}
			first = fmt.Sprintf("(must %s) %s", must, first)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.Name, r.Target, strings.Join(r.Labels, ","), strings.TrimSuffix(first, "."))
	}
	return t.Flush()
}

func (a *app) listFaults() error {
	type row struct {
		Name     string   `json:"name"`
		Doc      string   `json:"doc"`
		Settings []string `json:"settings"`
		Example  string   `json:"example"`
		// Support is how true the fault is on each runtime.
		Support map[string]faults.Support `json:"support"`
	}
	var rows []row
	for _, f := range faults.Catalogue() {
		r := row{f.Name, f.Doc, settings(f.New()), f.Example, map[string]faults.Support{}}
		for _, rt := range faults.Runtimes() {
			r.Support[rt] = f.On(rt)
		}
		rows = append(rows, r)
	}
	if a.json {
		return printJSON(a.out, rows)
	}
	for _, r := range rows {
		with := "no settings"
		if len(r.Settings) > 0 {
			with = "with: " + strings.Join(r.Settings, ", ")
		}
		if _, err := fmt.Fprintf(a.out, "%-15s %s\n%16s%s\n%16s- %s\n", r.Name, r.Doc, "", with, "", r.Example); err != nil {
			return err
		}
		for _, s := range supportLines(r.Support) {
			if _, err := fmt.Fprintf(a.out, "%16s%s\n", "", s); err != nil {
				return err
			}
		}
	}
	return nil
}

// supportLines says how true a fault is on each runtime, in one line where that is
// the same on all.
func supportLines(on map[string]faults.Support) []string {
	names := faults.Runtimes()
	var out []string
	same := true
	for _, rt := range names {
		out = append(out, fmt.Sprintf("%s: %s", rt, on[rt]))
		same = same && on[rt] == on[names[0]]
	}
	if same {
		return []string{fmt.Sprintf("%s: %s", strings.Join(names, ", "), on[names[0]])}
	}
	return out
}

// settings lists the names of a fault's settings, which are the fields of its struct.
func settings(f faults.Fault) []string {
	out := []string{}
	for field := range reflect.TypeOf(f).Elem().Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); name != "" {
			out = append(out, name)
		}
	}
	return out
}

func (a *app) listTargets() error {
	var names []string
	for _, t := range builtin.Targets() {
		names = append(names, t.Name())
	}
	if a.json {
		return printJSON(a.out, names)
	}
	_, err := fmt.Fprintln(a.out, strings.Join(names, "\n"))
	return err
}

func (a *app) listRuns() error {
	type row struct {
		Run         string         `json:"run"`
		Scenario    string         `json:"scenario"`
		Runtime     string         `json:"runtime"`
		Verdict     record.Verdict `json:"verdict,omitempty"`
		AbortReason string         `json:"abortReason,omitempty"`
		// InProgress is the process that executes the run or rewrites its files; 0: none.
		InProgress int `json:"inProgress,omitempty"`
	}
	ids, err := a.storedRuns()
	if err != nil {
		return err
	}
	rows := []row{}
	for _, id := range ids {
		r, err := record.LoadSummary(filepath.Join(a.runs, id))
		if err != nil {
			return environmentErr(err)
		}
		use, _ := errors.AsType[record.InUseError](record.InUse(filepath.Join(a.runs, id)))
		rows = append(rows, row{id, r.Scenario, r.Runtime, verdictOf(r), r.AbortReason, use.PID})
	}
	if a.json {
		return printJSON(a.out, rows)
	}
	t := a.table("run", "runtime", "verdict", "")
	for _, r := range rows {
		v := string(cmp.Or(r.Verdict, "not judged"))
		if r.InProgress != 0 {
			v = fmt.Sprintf("in progress (process %d)", r.InProgress)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.Run, printable.Line(r.Runtime), printable.Line(v), printable.Line(r.AbortReason))
	}
	return t.Flush()
}

// table begins a table on standard output.
func (a *app) table(heads ...string) *tabwriter.Writer {
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(heads, "\t"))
	return t
}
