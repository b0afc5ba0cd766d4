package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/record"
)

func (a *app) compareVerb() *cobra.Command {
	kinds := a.comparisons()
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name())
	}
	c := &cobra.Command{
		Use:   "compare classes|detection|standby",
		Short: "Run the same drill on several variants of a system, side by side",
		Long: `Compare runs one drill on each variant of a part of the reference platform, one
after the other, and prints one table. Each row names its run directory, where
every figure can be looked up.

Progress goes to standard error and the table to standard output; with --json the
rows are one JSON array. The exit status is that of the worst run. A variant that
loses data by design may lose it without failing.

` + exitHelp,
		Example: "  holdfast compare detection\n  holdfast compare classes --class semisync,async\n  holdfast compare standby --level warm,cold",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageErr("compare: there is no %q; there are %s", args[0], strings.Join(names, ", "))
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(kinds...)
	return c
}

// comparisons lists what can be compared, each in a file of its own.
func (a *app) comparisons() []*cobra.Command {
	return []*cobra.Command{a.compareClasses(), a.compareDetection(), a.compareStandby()}
}

// variant is one row of a comparison.
type variant struct {
	name string
	job  builtin.Job
}

// variantRun is a variant and its run.
type variantRun struct {
	variant
	run *record.Run
	dir string
}

// runVariants runs the variants one after the other. It stops at the first that was
// interrupted or that could not run in this environment, and returns the runs until
// then with the error.
func (a *app) runVariants(ctx context.Context, all []variant, f runFlags) ([]variantRun, error) {
	var out []variantRun
	for i, c := range all {
		fmt.Fprintf(a.err, "%d of %d: %s\n", i+1, len(all), c.name)
		r, dir, err := a.runOne(ctx, c.job, f)
		if r != nil {
			out = append(out, variantRun{c, r, dir})
		}
		if err != nil {
			return out, fmt.Errorf("compare %s: %w", c.name, err)
		}
		if r.AbortReason != "" {
			return out, environmentErr(fmt.Errorf("compare %s: %s; what was recorded is in %s", c.name, r.AbortReason, dir))
		}
	}
	return out, nil
}

// unexpectedExit is the exit status of the run of a variant, leaving out the failures
// of checks that the variant may fail by design.
func unexpectedExit(r *record.Run, allowedFailures ...string) int {
	if r.Result == nil {
		return record.Unknown.ExitCode()
	}
	code := 0
	for _, f := range r.Result.Findings {
		if f.Verdict == record.Fail && slices.Contains(allowedFailures, f.Check) {
			continue
		}
		if f.Verdict != record.Pass {
			code = worstExit(code, f.Verdict.ExitCode())
		}
	}
	return code
}

// lostWrites is how many writes were lost and in how long a window they had been
// acknowledged; nil when the run does not say.
func lostWrites(j *record.Result) (lost *int, lostFor *time.Duration) {
	judged := slices.ContainsFunc(j.Findings, func(f record.Finding) bool {
		return f.Check == "rpo" && (f.Verdict == record.Pass || f.Verdict == record.Fail)
	})
	if j.RPO == nil || !judged {
		return nil, nil
	}
	return &j.RPO.LostCount, &j.RPO.LossWindow
}
