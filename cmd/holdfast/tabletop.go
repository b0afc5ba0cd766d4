package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/internal/printable"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

func (a *app) tabletopVerb() *cobra.Command {
	var held bool
	c := &cobra.Command{
		Use:   "tabletop FILE|NAME",
		Short: "Print the card of a drill, to talk it through without touching anything",
		Long: `Tabletop prints what a group needs to talk a scenario through: who answers for it,
what happens when, how many voters are left of how many, which stages of the recovery
to expect by when, and what the scenario does not say. The times follow from the
configuration of the target and from the objectives. Nothing is started.

With --held it notes in the folder of run directories that the exercise was held, for
"holdfast due".`,
		Example: "  holdfast tabletop lose-main-region\n  holdfast tabletop ./my-drill.yaml --held",
		Args:    wantArgs(1, 1, "one scenario file or name"),
		RunE: func(_ *cobra.Command, args []string) error {
			jobs, err := readJobs(args[0], 1, "") // what is drawn is drawn anew in a run
			if err != nil {
				return err
			}
			p := jobs[0].Plan
			target, err := builtin.Target(p.Target)
			if err != nil {
				return usageErr("%w", err)
			}
			card := newTabletopCard(p, target)
			if a.json {
				err = printJSON(a.out, card)
			} else {
				err = card.print(a.out)
			}
			if err == nil && held {
				err = a.noteHeld(p.Scenario, time.Now())
			}
			return err
		},
	}
	c.Flags().BoolVar(&held, "held", false, "note that the exercise was held now")
	return c
}

// tabletopCard is what a group has before it.
type tabletopCard struct {
	Scenario    string          `json:"scenario"`
	Description string          `json:"description"`
	Drill       scenarios.Drill `json:"drill"`
	System      string          `json:"system"`
	Clients     string          `json:"clients"`
	Happens     []cardEvent     `json:"happens"`
	Expected    []cardStage     `json:"expected"`
	Missing     []string        `json:"missing"`
}

// cardEvent is one instant, with what is left of the quorum after it.
type cardEvent struct {
	At     time.Duration `json:"at"`
	What   string        `json:"what"`
	Quorum string        `json:"quorum"`
	Served string        `json:"served"`
}

// cardStage is a part of the recovery.
type cardStage struct {
	Stage  string        `json:"stage"`
	Within time.Duration `json:"within"`
	Why    string        `json:"why"`
}

func newTabletopCard(p scenarios.Plan, target targets.Target) tabletopCard {
	c := tabletopCard{
		Scenario: p.Scenario, Description: p.Description, Drill: p.Drill,
		System:  fmt.Sprintf("%s: %s", p.Target, topologyLine(p.Topology)),
		Clients: fmt.Sprintf("%d reads/s and %d writes/s from each region", p.Load.Reads, p.Load.Writes),
	}
	for _, r := range p.Timeline() {
		c.Happens = append(c.Happens, cardEvent{r.At, timelineEntry(r), quorumArithmetic(p.Topology, r), regionList(r.RegionsWithQuorum)})
	}
	var estimated []string
	if e, ok := target.(targets.StageEstimator); ok {
		for _, s := range e.ExpectedStages(p.TopologySpec) {
			c.Expected = append(c.Expected, cardStage{s.Stage, s.Within, "from the timings of " + p.Target + ": " + s.Why})
			estimated = append(estimated, s.Stage)
		}
	}
	for stage, budget := range p.Objectives.Stages {
		c.Expected = append(c.Expected, cardStage{stage, budget, "the budget in the scenario"})
	}
	slices.SortStableFunc(c.Expected, func(x, y cardStage) int { return cmp.Compare(stageOrder(x.Stage), stageOrder(y.Stage)) })
	c.Expected = append(c.Expected,
		cardStage{"service", p.Objectives.RTO, "the RTO, for every client that can reach a quorum"})
	c.Missing = missingFrom(p, estimated)
	return c
}

// stageOrder is the place of a stage in a recovery.
func stageOrder(stage string) int {
	return slices.Index([]string{"detect", "elect", "arbitrate", "switch", "first success", "stable"}, stage)
}

// quorumArithmetic says how many voters are left after an instant, and whether they are a majority.
func quorumArithmetic(t topology.Topology, r scenarios.PreviewRow) string {
	voters, left := 0, 0
	for _, n := range t.Nodes {
		if !n.Voter {
			continue
		}
		voters++
		if t.CanReachQuorum(n.ID, r.Impact) {
			left++
		}
	}
	majority := voters/2 + 1
	switch {
	case r.Role != "" && !r.Heal && r.Majority:
		return fmt.Sprintf("whoever it is, the rest of %d voters are a majority (%d)", voters, majority)
	case !r.Majority:
		return fmt.Sprintf("fewer than %d of %d voters hear each other: NO MAJORITY", majority, voters)
	default:
		return fmt.Sprintf("%d of %d voters are left, a majority is %d", left, voters, majority)
	}
}

// missingFrom lists what the scenario does not say and a drill needs.
func missingFrom(p scenarios.Plan, estimated []string) []string {
	var out []string
	for _, m := range []struct {
		missing bool
		what    string
	}{
		{p.Drill.Kind == "", "drill.kind: is this a tabletop exercise, a partial or a full drill, and how often?"},
		{p.Drill.Owner == "", "drill.owner: who answers for it, and who is called?"},
		{p.Drill.Runbook == "", "drill.runbook: what do people do when this happens?"},
		{len(p.Objectives.Stages) == 0, "objectives.stages: by when must the loss be detected, and a leader elected?"},
		{len(estimated) == 0, "the timings of " + p.Target + ": nothing says how long its recovery should take"},
		{len(p.Objectives.ExpectEvents) == 0, "objectives.expectEvents: which alarms must go off?"},
		{p.Guards.IsZero(), "guards: when is a run of this stopped?"},
		{len(p.Steps) == 0, "steps: nothing happens"},
	} {
		if m.missing {
			out = append(out, m.what)
		}
	}
	return out
}

// print prints the card as a page.
func (c tabletopCard) print(w io.Writer) error {
	fmt.Fprintf(w, "TABLETOP EXERCISE  %s\n\n%s\n\n", c.Scenario, indented(printable.Line(oneLine(c.Description))))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"kind", string(c.Drill.Kind)},
		{"owner", c.Drill.Owner},
		{"runbook", c.Drill.Runbook},
		{"held", string(c.Drill.Frequency)},
		{"system", c.System},
		{"clients", c.Clients},
	} {
		fmt.Fprintf(t, "  %s\t%s\n", row[0], printable.Line(cmp.Or(row[1], "–")))
	}
	fmt.Fprint(t, "\nWHAT HAPPENS\n")
	for _, e := range c.Happens {
		fmt.Fprintf(t, "  %s\t%s\n\t%s\n\tclients that are served: %s\n", formatOffset(e.At), printable.Line(e.What), e.Quorum, e.Served)
	}
	fmt.Fprint(t, "\nWHAT TO EXPECT after the loss of a leader or a region\n")
	for _, s := range c.Expected {
		fmt.Fprintf(t, "  %s\twithin %s: %s\n", s.Stage, duration.Format(s.Within), s.Why)
	}
	fmt.Fprint(t, "\nTO TALK THROUGH\n")
	for _, q := range []string{
		"Who notices first, and by what?",
		"Which step of the runbook answers each line above, and who takes it?",
		"What do users see until then, and who tells them?",
		"What if a stage takes twice as long as expected?",
	} {
		fmt.Fprintf(t, "  [ ]\t%s\n", q)
	}
	if len(c.Missing) > 0 {
		fmt.Fprint(t, "\nWHAT IS MISSING\n")
		for _, m := range c.Missing {
			fmt.Fprintf(t, "  -\t%s\n", m)
		}
	}
	return t.Flush()
}

// heldVerdict is what a tabletop exercise counts as: it was held.
const heldVerdict = record.Verdict("held")
