package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// standbyLevels are the ways in which the reference platform's other regions stand
// by. Each has a scenario in the library, standby-LEVEL.
var standbyLevels = []struct {
	name, holds     string
	allowedFailures []string
}{
	{"hot", "votes: what is acknowledged", nil},
	{"warm", "learns: what has reached it", loss},
	{"cold", "nothing: the newest snapshot", loss},
}

// loss lists the checks that fail for a level that loses writes by design: a read of
// a register whose last write was lost misses that write.
var loss = []string{"rpo", "stale reads"}

func (a *app) compareStandby() *cobra.Command {
	var known []string
	for _, l := range standbyLevels {
		known = append(known, l.name)
	}
	var f runFlags
	var which []string
	var seed uint64
	c := &cobra.Command{
		Use:   "standby",
		Short: "Standby levels: how soon another region takes over, and which writes are lost",
		Long: `Standby takes the network and then the power from the reference platform's main
region, under the same load, while the others stand by: hot, warm and cold.

A hot region votes. A warm one learns the log a moment behind. A cold one restores
the newest snapshot of the object store. RTO is the worst of the users' ways in, to
0.1 s. A write is lost when it was acknowledged and no node has it in the end. The
column "lost for" is the time from the first such acknowledgement to the last.

Warm and cold may lose writes, so that later reads miss them. That alone does not
make their row a failure.

` + exitHelp,
		Example: `  holdfast compare standby
  holdfast compare standby --level warm,cold --runtime local
  holdfast compare standby --seed 7 --json`,
		Args: wantArgs(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			for _, l := range which {
				if !slices.Contains(known, l) {
					return unknownValue("--level", l, known)
				}
			}
			return a.compareStandbyLevels(c.Context(), which, seed, f)
		},
	}
	f.add(c)
	c.Flags().StringSliceVar(&which, "level", known, "levels to compare")
	c.Flags().Uint64Var(&seed, "seed", 1, "seed of every random choice, the same for all")
	return c
}

// compareStandbyLevels runs the loss of the main region at each level and prints a table of those that ran.
func (a *app) compareStandbyLevels(ctx context.Context, which []string, seed uint64, f runFlags) error {
	var all []variant
	for _, level := range which {
		job, err := builtin.Read("standby-"+level, seed, func(*scenarios.Scenario) {})
		if err != nil {
			return err
		}
		all = append(all, variant{level, job})
	}
	runs, err := a.runVariants(ctx, all, f)
	var rows []standbyRow
	worst := 0
	for _, c := range runs {
		row, allowedFailures := newStandbyRow(c)
		rows = append(rows, row)
		worst = worstExit(worst, unexpectedExit(c.run, allowedFailures...))
	}
	if len(rows) > 0 {
		if err := a.printStandby(rows); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return exitWith(worst)
}

// standbyRow is one row of the table.
type standbyRow struct {
	Level   string         `json:"level"`
	Holds   string         `json:"holds"`
	RTO     *time.Duration `json:"rto"`     // ns; null: not measured, or no stable recovery
	Lost    *int           `json:"lost"`    // null: not known
	LostFor *time.Duration `json:"lostFor"` // ns
	Verdict record.Verdict `json:"verdict"`
	Dir     string         `json:"dir"`
}

// newStandbyRow also returns the checks that the level may fail by design.
func newStandbyRow(c variantRun) (row standbyRow, allowedFailures []string) {
	row = standbyRow{Level: c.name, Dir: c.dir, Verdict: record.Unknown}
	for _, l := range standbyLevels {
		if l.name == c.name {
			row.Holds, allowedFailures = l.holds, l.allowedFailures
		}
	}
	if j := c.run.Result; j != nil {
		row.Verdict = j.Verdict
		if j.RTO != nil && j.RTO.Recovered {
			row.RTO = &j.RTO.Worst
		}
		row.Lost, row.LostFor = lostWrites(j)
	}
	return row, allowedFailures
}

func (a *app) printStandby(rows []standbyRow) error {
	if a.json {
		return printJSON(a.out, rows)
	}
	t := a.table("level", "what it holds", "RTO", "lost", "lost for", "verdict", "run")
	for _, r := range rows {
		lost := "?"
		if r.Lost != nil {
			lost = fmt.Sprint(*r.Lost)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Level, r.Holds, durationOrDash(r.RTO), lost, durationOrUnknown(r.LostFor), r.Verdict, r.Dir)
	}
	return t.Flush()
}
