package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/cluster/build"
)

func (a *app) cleanVerb() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "clean",
		Short: "Remove what crashed runs have left behind",
		Long: `Clean removes the containers, networks, processes and data folders of runs whose
process is gone, because it was killed or the machine was switched off. It looks
in both runtimes and removes only what is labelled as holdfast's, never a live run's
things. It also removes the images that holdfast built and that no container uses:
those older than an hour, except the newest three of each program, and programs
whose build was killed. Stored run directories are kept.`,
		Example: "  holdfast clean --dry-run\n  holdfast clean",
		Args:    wantArgs(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			left, err := orphanedRuns(c.Context())
			if err != nil {
				return environmentErr(err)
			}
			if dry {
				images, err := surplusImages(c.Context())
				builds, berr := build.Unfinished()
				for i, run := range left {
					left[i] = "everything of run " + run
				}
				return environmentErr(errors.Join(err, berr, a.printLeftovers("would remove", slices.Concat(left, unfinished(builds), images))))
			}
			removed, err := removeLeftovers(c.Context(), left)
			builds, berr := build.RemoveUnfinished()
			images, ierr := pruneImages(c.Context())
			return environmentErr(errors.Join(err, berr, ierr, a.printLeftovers("removed", slices.Concat(removed, unfinished(builds), images))))
		},
	}
	c.Flags().BoolVarP(&dry, "dry-run", "n", false, "list what would be removed, and remove nothing")
	return c
}

// unfinished names the folders of killed builds.
func unfinished(builds []string) []string {
	out := make([]string, len(builds))
	for i, dir := range builds {
		out[i] = "unfinished build " + dir
	}
	return out
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
		_, err := fmt.Fprintln(a.out, "nothing to remove: no crashed run has left anything behind, and there are no surplus images")
		return err
	}
	for _, l := range left {
		if _, err := fmt.Fprintln(a.out, what+" "+l); err != nil {
			return err
		}
	}
	return nil
}
