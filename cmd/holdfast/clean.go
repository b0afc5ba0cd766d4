package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) cleanVerb() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "clean",
		Short: "Remove what abandoned runs have left behind",
		Long: `Clean removes containers, networks, processes and folders of runs whose owner is
gone: killed, or on a machine that was switched off. It looks in both runtimes,
touches nothing that is not labelled as holdfast's, and never a live run's.
Stored run directories are kept.`,
		Example: "  holdfast clean --dry-run\n  holdfast clean",
		Args:    wantArgs(0, 0, "no words"),
		RunE: func(c *cobra.Command, _ []string) error {
			left, err := orphanedRuns(c.Context())
			if err != nil {
				return environmentErr(err)
			}
			if dry {
				return a.printLeftovers("would remove everything of run", left)
			}
			done, err := removeLeftovers(c.Context(), left)
			return environmentErr(errors.Join(err, a.printLeftovers("removed", done)))
		},
	}
	c.Flags().BoolVarP(&dry, "dry-run", "n", false, "say what would be removed, and remove nothing")
	return c
}

func (a *app) printLeftovers(what string, left []string) error {
	if a.json {
		if left == nil {
			left = []string{}
		}
		return printJSON(a.out, struct {
			What  string   `json:"what"`
			Items []string `json:"items"`
		}{what, left})
	}
	if len(left) == 0 {
		_, err := fmt.Fprintln(a.out, "nothing to remove: no abandoned run has left anything")
		return err
	}
	for _, l := range left {
		if _, err := fmt.Fprintln(a.out, what+" "+l); err != nil {
			return err
		}
	}
	return nil
}
