package main

import (
	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/harness"
)

func (a *app) recheckVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "recheck RUN",
		Short: "Judge a stored history again with today's checks; no cluster",
		Long: `Recheck judges the stored history of a run again, rewrites its verdict and
reports, and exits as run does. It needs no engine. RUN is a path, a run's id,
a beginning of it that only one run has, or "last".`,
		Example: `  holdfast recheck last
  holdfast recheck runs/2026-11-22T03-00-00Z-lose-main-region-7f3a`,
		Args: wantArgs(1, 1, "one run"),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := a.resolveRun(args[0])
			if err != nil {
				return err
			}
			face := newPlainView(a.err, "judge") // a long history takes a while
			r, err := harness.Recheck(c.Context(), dir)
			face.Close()
			if err := a.printOutcome(r, dir, environmentErr(err)); err != nil {
				return err
			}
			return exitWith(runExit(r))
		},
	}
}
