package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
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
		Long: `Replay runs the stored plan of a run again with its seed: the same load, and the
same faults at the same times. With --trace it repeats what happened instead of
what was planned: faults hit the very nodes that had the roles in the stored run,
at the offsets that they had there.

The programs are those that the target starts today: a stored plan that names others is
refused. A run directory from elsewhere may hold anything.

The scheduling of the machine and of the kernel is not replayed, so the outcome can
differ. With --times K replay counts how often the verdict was the same, and
claims no more. With --json there is one object for each run on standard output,
as for run, and the count is on standard error.

RUN is the path of a run directory, a run's id, the beginning of an id, or "last",
the newest run that has finished.

` + retryHelp + "\n\n" + exitHelp,
		Example: `  holdfast replay last
  holdfast replay 2026-11-22T03 --trace --times 5`,
		Args: wantArgs(1, 1, "one run"),
		RunE: func(c *cobra.Command, args []string) error {
			if times < 1 {
				return usageErr("replay: --times is how often to run the plan: want at least 1, got %d", times)
			}
			dir, err := a.resolveRun(args[0])
			if err != nil {
				return err
			}
			then, err := record.Load(dir)
			if err != nil {
				return environmentErr(err)
			}
			source, err := record.Source(dir)
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // absent where the plan was made in code
				return environmentErr(err)
			}
			own, err := loadTarget(f.target)
			if err != nil {
				return err
			}
			job, err := builtin.Stored(then.Plan, source, own...)
			if missing, ok := errors.AsType[builtin.NotFound](err); ok && missing.What == "target" {
				return usageErr("replay %s: %w; if the target is a file, give it with --target (its text at the time is in %s)",
					then.ID, err, filepath.Join(dir, record.TargetFile))
			}
			if err != nil {
				return usageErr("replay %s: %w", filepath.Join(dir, record.PlanFile), err)
			}
			if trace {
				if job.Plan, err = scenarios.Pin(job.Plan, then); err != nil {
					return usageErr("replay %s: %w", then.ID, err)
				}
			}
			return a.replayTimes(c.Context(), job, f, then, times)
		},
	}
	f.add(c)
	f.addRetry(c)
	c.Flags().StringVar(&f.target, "target", "", "the target file of a run whose system came from one; a record starts nothing by itself")
	c.Flags().BoolVar(&trace, "trace", false, "repeat the victims and offsets of the stored run instead of the plan's roles and times")
	c.Flags().IntVar(&times, "times", 1, "how often to run the plan")
	return c
}

// verdictOf is the verdict of a run, or "" when it has none.
func verdictOf(r *record.Run) record.Verdict {
	if r.Result == nil {
		return ""
	}
	return r.Result.Verdict
}

// replayTimes runs the job again and prints how often the verdict was the same.
func (a *app) replayTimes(ctx context.Context, j builtin.Job, f runFlags, then *record.Run, times int) error {
	worst, same, runs := 0, 0, 0
	for range times {
		r, dir, err := a.runOne(ctx, j, f)
		if err := a.printOutcome(r, dir, executedExit(r), err); err != nil {
			return err
		}
		runs++
		worst = worstExit(worst, executedExit(r))
		if verdictOf(r) == verdictOf(then) {
			same++
		}
		if r.AbortReason != "" {
			break
		}
	}
	summary := fmt.Sprintf("reproduced %d of %d (the verdict of %s was %s)", same, runs, then.ID, cmp.Or(verdictOf(then), "never given"))
	if a.json {
		fmt.Fprintln(a.err, summary)
	} else {
		fmt.Fprintln(a.out, summary)
	}
	return exitWith(worst)
}
