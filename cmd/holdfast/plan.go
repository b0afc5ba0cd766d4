package main

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/internal/printable"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

func (a *app) planVerb() *cobra.Command {
	var seed uint64
	var target string
	c := &cobra.Command{
		Use:   "plan FILE|NAME",
		Short: "Show what a run would do, without doing it",
		Long: `Plan reads a scenario, resolves every default and random choice, and shows the
timeline: which nodes each fault hits and when, whether a quorum survives, and
which client regions can still reach it. Nothing is started.

Which node leads is not known before a run, so a quorum counts as surviving only
when it survives whichever node leads. With --json it prints the plan, as plan.json
holds it, and the timeline; one object for each combination of a matrix.`,
		Example: `  holdfast plan lose-main-region
  holdfast plan ./my-drill.yaml --seed 7 --json`,
		Args: wantArgs(1, 1, "one scenario file or name"),
		RunE: func(c *cobra.Command, args []string) error {
			jobs, err := readJobs(args[0], seed, target)
			if err != nil {
				return err
			}
			for i, j := range jobs {
				if !a.json && i > 0 {
					fmt.Fprintln(a.out)
				}
				if err := a.planOne(j.Plan); err != nil {
					return err
				}
			}
			return nil
		},
	}
	addTarget(c, &target)
	c.Flags().Uint64Var(&seed, "seed", 0, "seed of every random choice; 0 takes the scenario's seed, or draws one")
	return c
}

// planOne prints a plan, as text or as one JSON object.
func (a *app) planOne(p scenarios.Plan) error {
	if !a.json {
		return printPlan(a.out, p)
	}
	return printJSON(a.out, struct {
		Plan     scenarios.Plan         `json:"plan"`
		Timeline []scenarios.PreviewRow `json:"timeline"`
		Warnings []string               `json:"warnings,omitempty"`
	}{p, p.Timeline(), p.Warnings()})
}

func printPlan(w io.Writer, p scenarios.Plan) error {
	fmt.Fprintf(w, "%s on %s: %s\n\n", p.Scenario, p.Target, printable.Line(p.Description))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "regions\t%s\n", topologyLine(p.Topology))
	fmt.Fprintf(t, "load\t%d reads/s and %d writes/s in each region, from %d clients%s\n", p.Load.Reads, p.Load.Writes, p.Load.Clients, dataClassSuffix(p.Load.Class))
	fmt.Fprintf(t, "objectives\t%s\n", printable.Line(objectiveList(p.Objectives)))
	if p.Expect != record.Pass {
		must := "not pass"
		if len(p.ExpectedFailures) > 0 {
			must = "fail in " + strings.Join(p.ExpectedFailures, ", ")
		}
		fmt.Fprintf(t, "expected\t%s: a negative control, which must %s\n", p.Expect, must)
	}
	for i, l := range p.LoadPhases {
		when := "at " + formatOffset(l.At)
		if !l.When.IsZero() {
			when = fmt.Sprintf("from %s on when %s, for which it waits %s at most", formatOffset(l.At), l.When, duration.Format(l.Within))
		}
		fmt.Fprintf(t, "%s\t%s, %s\n", l.ID(i), l, printable.Line(when))
	}
	if guards := guardList(p.Guards); guards != "" {
		fmt.Fprintf(t, "guards\tfaults are healed at once when %s\n", printable.Line(guards))
	}
	if radius := radiusList(p.BlastRadius); radius != "" {
		fmt.Fprintf(t, "blast radius\t%s\n", radius)
	}
	fmt.Fprintf(t, "seed\t%d\n\n", p.Seed)
	fmt.Fprintf(t, "at\twhat\tquorum\tclients that reach it\n")
	fmt.Fprintf(t, "%s\tload begins, the baseline\tyes\t%s\n", formatOffset(-p.Baseline), regionList(p.Topology.Regions()))
	shown := map[string]bool{}
	for _, r := range p.Timeline() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", formatOffset(r.At), printable.Line(timelineEntry(r)), quorumWord(r.Majority), regionList(r.RegionsWithQuorum))
		lines := outcomeLines(r)
		if all := strings.Join(lines, "\n"); !shown[all] { // episodes repeat themselves
			shown[all] = true
			for _, line := range lines {
				fmt.Fprintf(t, "\t  %s\t\t\n", printable.Line(line))
			}
		}
	}
	fmt.Fprintf(t, "%s\tload goes on until service is stable, %s at most, then everything is read back\t\t\n", formatOffset(p.Length()), duration.Format(p.Observe))
	if err := t.Flush(); err != nil {
		return err
	}
	for _, warning := range p.Warnings() {
		fmt.Fprintf(w, "\nwarning: %s\n", warning)
	}
	return nil
}

// guardList says what the guards stop the faults for.
func guardList(g scenarios.Guards) string {
	var out []string
	if g.Goodput > 0 {
		out = append(out, fmt.Sprintf("less than %g %% of operations are good for %s", 100*g.Goodput, duration.Format(g.GoodputFor)))
	}
	if g.Duration > 0 {
		out = append(out, "they take longer than "+duration.Format(g.Duration))
	}
	for _, e := range g.Events {
		out = append(out, "the system reports "+e.String())
	}
	return strings.Join(out, ", or ")
}

func radiusList(b scenarios.BlastRadius) string {
	var out []string
	if b.KeepQuorum {
		out = append(out, "a majority is always left")
	}
	for _, n := range []struct {
		max  int
		what string
	}{{b.Nodes, "nodes"}, {b.Regions, "regions"}} {
		if n.max > 0 {
			out = append(out, fmt.Sprintf("at most %d %s at a time", n.max, n.what))
		}
	}
	return strings.Join(out, ", ")
}

// timelineEntry describes a row of the timeline.
func timelineEntry(r scenarios.PreviewRow) string {
	what := r.Step.ID + ": " + r.Description
	if r.Heal && !r.Step.When.IsZero() {
		return "heal " + what + " (at the latest)"
	}
	if r.Heal {
		return "heal " + what
	}
	if !r.Step.When.IsZero() {
		after := ""
		if r.Step.Delay > 0 {
			after = " and then " + duration.Format(r.Step.Delay)
		}
		what = fmt.Sprintf("%s: when %s, for which it waits %s at most%s: %s", r.Step.ID, r.Step.When, duration.Format(r.Step.Within), after, r.Description)
	}
	if with := settingsGiven(r.Step.With); with != "" {
		what += " {" + with + "}"
	}
	if r.Role != "" && len(r.Victims) > 0 {
		what += fmt.Sprintf(" (resolved at injection, one of %s)", joined(r.Victims, " "))
	}
	return what
}

// maxOutcomes is how many outcomes of a step are listed; those with a problem come first.
const maxOutcomes = 15

// outcomeLines says what a step comes to for each node that may have its role, where that
// differs in more than the victim's name.
func outcomeLines(r scenarios.PreviewRow) []string {
	var problems, others []string
	for _, o := range r.Outcomes {
		if o.Problem != "" {
			problems = append(problems, fmt.Sprintf("if %s (1 of %d): nothing is injected, %s", o.Who(), len(r.Outcomes), o.Problem))
		} else {
			others = append(others, fmt.Sprintf("if %s (1 of %d): %s", o.Who(), len(r.Outcomes), o.Description))
		}
	}
	if len(problems) == 0 && r.Step.To.Empty() {
		return nil
	}
	all := slices.Concat(problems, others)
	if len(all) > maxOutcomes {
		all = append(all[:maxOutcomes], fmt.Sprintf("and %d more outcomes; --json has all", len(all)-maxOutcomes))
	}
	if n := len(problems); n > 0 {
		all = append(all, fmt.Sprintf("so %s injects nothing in %d of %d outcomes, and such a run does not pass", r.Step.ID, n, len(r.Outcomes)))
	}
	return all
}

// settingsGiven are the fields of a fault's `with:` that are set: "clients: true, mode: hold".
func settingsGiven(f faults.Fault) string {
	v := reflect.Indirect(reflect.ValueOf(f))
	if v.Kind() != reflect.Struct {
		return ""
	}
	var out []string
	for field, value := range v.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); name != "" && !value.IsZero() {
			out = append(out, fmt.Sprintf("%s: %v", name, value))
		}
	}
	return strings.Join(out, ", ")
}

func quorumWord(b bool) string {
	if b {
		return "survives"
	}
	return "LOST"
}

func regionList(rs []topology.Region) string {
	if len(rs) == 0 {
		return "none"
	}
	return joined(rs, ", ")
}

func joined[T ~string](vs []T, sep string) string {
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = string(v)
	}
	return strings.Join(out, sep)
}

func topologyLine(t topology.Topology) string {
	var out []string
	for _, z := range t.RegionSpecs {
		var nodes []string
		for _, n := range t.NodesIn(z.Region) {
			nodes = append(nodes, string(n.ID))
		}
		out = append(out, fmt.Sprintf("%s (weight %d: %s)", z.Region, z.Weight, strings.Join(nodes, " ")))
	}
	return strings.Join(out, ", ")
}

func dataClassSuffix(name string) string {
	if name == "" {
		return ""
	}
	return ", on " + name + " data"
}

func objectiveList(o record.Objectives) string {
	out := []string{"RTO at most " + duration.Format(o.RTO), fmt.Sprintf("RPO at most %d lost writes", o.RPO)}
	if o.Linearizable != nil && *o.Linearizable {
		out = append(out, "linearizable")
	}
	if o.Availability > 0 {
		out = append(out, fmt.Sprintf("available at least %g %%", 100*o.Availability))
	}
	if o.LeaderChange != nil {
		out = append(out, map[bool]string{true: "a new leader", false: "the same leader"}[*o.LeaderChange])
	}
	if o.TrafficSwitch != nil {
		out = append(out, map[bool]string{true: "traffic is switched", false: "traffic is not switched"}[*o.TrafficSwitch])
	}
	if o.FalseAlarms != nil {
		out = append(out, fmt.Sprintf("at most %d false alarms", *o.FalseAlarms))
	}
	if o.RejectWithoutQuorum {
		out = append(out, "no write acknowledged without a quorum, and some rejected")
	}
	if o.DisconnectedOperation {
		out = append(out, "a disconnected region rejects writes at once, answers local reads, and recovers by itself")
	}
	if o.LoadShedding {
		out = append(out, "overload is rejected at once instead of timing out")
	}
	if o.Redelivered != nil {
		out = append(out, fmt.Sprintf("at most %d messages redelivered to a consumer", *o.Redelivered))
	}
	for _, stage := range slices.Sorted(maps.Keys(o.Stages)) {
		out = append(out, fmt.Sprintf("%s within %s", stage, duration.Format(o.Stages[stage])))
	}
	if len(o.ExpectEvents) > 0 {
		var events []string
		for _, t := range o.ExpectEvents {
			events = append(events, t.String())
		}
		out = append(out, "emits "+strings.Join(events, ", then "))
	}
	return strings.Join(out, ", ")
}
