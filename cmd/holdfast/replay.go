package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

func (a *app) replayVerb() *cobra.Command {
	var f runFlags
	var trace bool
	var times int
	c := &cobra.Command{
		Use:   "replay RUN",
		Short: "Run a stored plan again on a new cluster",
		Long: `Replay runs the stored plan of a run again, with its seed: the same load, the
same faults at the same times. With --trace it runs what happened instead of
what was planned: the very nodes that had the roles then, at the offsets of then.

Neither replays the schedulers of the machine or the kernel, so the outcome may
differ; with --times K it says how often the verdict was the same, and
claims no more. The exit status is that of the worst run. With --json there is
one object a run on standard output, as for run; the count is on standard error.`,
		Example: `  holdfast replay last
  holdfast replay 2026-11-22T03 --trace --times 5`,
		Args: wantArgs(1, 1, "one run"),
		RunE: func(c *cobra.Command, args []string) error {
			if times < 1 {
				return usageErr("replay: --times is how often to run the plan, at least 1, not %d", times)
			}
			dir, err := a.resolveRun(args[0])
			if err != nil {
				return err
			}
			then, err := record.Load(dir)
			if err != nil {
				return environmentErr(err)
			}
			plan, err := storedPlan(dir, then)
			if err != nil {
				return err
			}
			if trace {
				if plan, err = scenarios.Pin(plan, then); err != nil {
					return usageErr("replay %s: %w", then.ID, err)
				}
			}
			source, _ := os.ReadFile(filepath.Join(dir, "scenario.yaml")) // a plan made in code has none
			return a.replayTimes(c.Context(), builtin.Job{Plan: plan, Source: source}, f, then, times)
		},
	}
	f.add(c)
	c.Flags().BoolVar(&trace, "trace", false, "the victims and offsets that happened, instead of the plan's roles and times")
	c.Flags().IntVar(&times, "times", 1, "how often to run it")
	return c
}

// storedPlan reads a run's plan.json.
func storedPlan(dir string, r *record.Run) (scenarios.Plan, error) {
	var p scenarios.Plan
	if err := json.Unmarshal(r.Plan, &p); err != nil {
		return p, usageErr("read %s: %w", filepath.Join(dir, "plan.json"), err)
	}
	return p, nil
}

// verdictOf is the verdict of a run, or "" when it has none.
func verdictOf(r *record.Run) record.Verdict {
	if r.Result == nil {
		return ""
	}
	return r.Result.Verdict
}

// replayTimes runs the job again and says how often the verdict came again.
func (a *app) replayTimes(ctx context.Context, j builtin.Job, f runFlags, then *record.Run, times int) error {
	worst, same, runs := 0, 0, 0
	for range times {
		r, dir, err := a.runOne(ctx, j, f)
		if err := a.printOutcome(r, dir, err); err != nil {
			return err
		}
		runs++
		worst = worstExit(worst, runExit(r))
		if verdictOf(r) == verdictOf(then) {
			same++
		}
		if r.AbortReason != "" {
			break
		}
	}
	says := fmt.Sprintf("reproduced %d of %d (the verdict of %s was %s)", same, runs, then.ID, cmp.Or(verdictOf(then), "never given"))
	if a.json {
		fmt.Fprintln(a.err, says)
	} else {
		fmt.Fprintln(a.out, says)
	}
	return exitWith(worst)
}
