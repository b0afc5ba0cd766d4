package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/conformance"
	"github.com/mcp-resilience/holdfast/targets/file"
	"github.com/mcp-resilience/holdfast/topology"
)

func (a *app) targetVerb() *cobra.Command {
	c := &cobra.Command{
		Use:   "target",
		Short: "Check the adapter of a system under test",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageErr("target: there is no verb %q; there is check", args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.targetCheckVerb())
	return c
}

func (a *app) targetCheckVerb() *cobra.Command {
	var kind string
	c := &cobra.Command{
		Use:   "check FILE|NAME",
		Short: "Start a system and try on it what the engine relies on",
		Long: `Check reads a target file, starts the system that it describes, and tries what every
run relies on: who leads, each kind of operation from each region, reads through each
node, that no write was called failed and appears later, and what becomes of a lost
leader. Everything is removed at the end. What fails is a mistake of the adapter or
of the file, or a system that promises less than "consistency" says.

The exit status is 0 when everything passed, 1 when something failed, 3 when the
system could not be started, and 64 for a bad file.`,
		Example: `  holdfast target check ./shop.target.yaml
  holdfast target check ./shop.target.yaml --runtime docker`,
		Args: wantArgs(1, 1, "one target file or name"),
		RunE: func(c *cobra.Command, args []string) error {
			target, err := a.namedTarget(args[0])
			if err != nil {
				return err
			}
			driver, why, err := selectRuntime(c.Context(), kind)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "target %s on runtime %s (%s)\n", target.Name(), driver.Name, why)
			ctx, stop := interruptible(c.Context(), func(s string) { fmt.Fprintln(a.err, s) })
			defer stop()
			return a.checkTarget(ctx, func(t conformance.T) { conformance.Run(t, target, driver, topology.Spec{}) })
		},
	}
	c.Flags().StringVar(&kind, "runtime", "auto", "docker, local, or auto, which is docker where an engine answers and local elsewhere")
	return c
}

// namedTarget is a target file or a target of the box.
func (a *app) namedTarget(name string) (targets.Target, error) {
	if isTargetFile(name) {
		t, err := file.Load(name)
		if err != nil {
			return nil, usageErr("%w", err)
		}
		return t, nil
	}
	t, err := builtin.Target(name)
	if err != nil {
		return nil, usageErr("%w; a target file is given by its path, such as ./shop.target.yaml", err)
	}
	return t, nil
}

// checkTarget runs the suite, prints each case as it ends, and returns the worst outcome as the exit status.
func (a *app) checkTarget(ctx context.Context, suite func(conformance.T)) error {
	root := newSuiteCase(ctx, "", a.out)
	root.do(suite)
	passed, failed, skipped := root.count()
	fmt.Fprintf(a.out, "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	switch {
	case ctx.Err() != nil:
		return exitWith(exitInterrupted)
	case passed+failed+skipped < 3: // the topology was looked at, and the system did not start
		return exitWith(exitEnvironment)
	case failed > 0:
		return exitWith(record.Fail.ExitCode())
	}
	return nil
}
