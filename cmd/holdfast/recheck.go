package main

import (
	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/harness"
)

func (a *app) recheckVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "recheck RUN",
		Short: "Judge a stored history again with today's checks; no cluster",
		Long: `Recheck judges the stored history of a run again and rewrites its verdict and its
reports. It starts nothing. A run that another process is still executing is left
alone.

RUN is the path of a run directory, a run's id, the beginning of an id, or "last",
the newest run that has finished.

` + exitHelp,
		Example: `  holdfast recheck last
  holdfast recheck runs/2026-11-22T03-00-00Z-lose-main-region-7f3a`,
		Args: wantArgs(1, 1, "one run"),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := a.resolveRun(args[0])
			if err != nil {
				return err
			}
			view := newPlainView(a.err, "judge") // a long history takes a while
			r, err := harness.Recheck(c.Context(), dir)
			view.Close()
			if err := a.printOutcome(r, dir, runExit(r), environmentErr(err)); err != nil {
				return err
			}
			return exitWith(runExit(r))
		},
	}
}
