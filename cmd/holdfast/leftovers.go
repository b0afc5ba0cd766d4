package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/cluster/cleanup"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
)

// leftoverSource is somewhere that runs leave things.
type leftoverSource struct {
	name   string
	usable func(context.Context) error // nil: always
	runs   func(context.Context) ([]string, error)
	owner  cleanup.OwnerLookup // who owns a run; nil where things bear no owner
	sweep  func(context.Context, string) ([]string, error)
}

// leftoverSources lists all there are.
func leftoverSources() []leftoverSource {
	return []leftoverSource{
		{docker.Name, docker.Check, docker.Runs, docker.Owner, docker.Sweep},
		{local.Name, nil, local.Runs, nil, local.Sweep},
		{"journals", nil, func(context.Context) ([]string, error) { return cleanup.Runs() }, nil, cleanup.SweepScratch},
	}
}

// orphanedRuns lists the runs whose owner is gone for certain and which have left
// something. A place that cannot be looked into is left out.
func orphanedRuns(ctx context.Context) ([]string, error) {
	var runs []string
	var asks []cleanup.OwnerLookup
	var errs []error
	for _, p := range usableSources(ctx) {
		found, err := p.runs(ctx)
		errs = append(errs, err)
		runs = append(runs, found...)
		if p.owner != nil {
			asks = append(asks, p.owner)
		}
	}
	slices.Sort(runs)
	return cleanup.Orphans(ctx, slices.Compact(runs), asks...), errors.Join(errs...)
}

// removeLeftovers removes everything of the runs and says what it was.
func removeLeftovers(ctx context.Context, runs []string) (removed []string, err error) {
	var sweepers []cleanup.Sweeper
	for _, p := range usableSources(ctx) {
		sweepers = append(sweepers, cleanup.Sweeper{Name: p.name, Sweep: p.sweep})
	}
	var errs []error
	for _, run := range runs {
		gone, err := cleanup.Sweep(ctx, run, sweepers)
		for _, what := range gone {
			removed = append(removed, what+" of run "+run)
		}
		if err == nil { // the journal goes last: it is what tells that something may be left
			if err = cleanup.Remove(run); err == nil {
				removed = append(removed, "journal of run "+run)
			}
		}
		errs = append(errs, err)
	}
	return removed, errors.Join(errs...)
}

func usableSources(ctx context.Context) []leftoverSource {
	return slices.DeleteFunc(leftoverSources(), func(p leftoverSource) bool { return p.usable != nil && p.usable(ctx) != nil })
}

// checkLeftovers is what doctor sees of abandoned runs.
func checkLeftovers(ctx context.Context) checkResult {
	left, err := orphanedRuns(ctx)
	switch {
	case err != nil:
		return checkResult{"residue", statusWarn, err.Error(), ""}
	case len(left) > 0:
		return checkResult{"residue", statusWarn, fmt.Sprintf("%d abandoned runs have left things: %s", len(left), strings.Join(left, ", ")), "holdfast clean"}
	default:
		return checkResult{"residue", statusOK, "no abandoned run has left anything", ""}
	}
}

// checkImages is what doctor sees of the images that nodes run from.
func checkImages(ctx context.Context) checkResult {
	if err := docker.Check(ctx); err != nil {
		return checkResult{"images", statusOK, "not looked at: no container engine", ""}
	}
	list, err := docker.Images(ctx)
	switch {
	case err != nil:
		return checkResult{"images", statusWarn, err.Error(), ""}
	case len(list) == 0:
		return checkResult{"images", statusOK, "none yet: the first run makes them, without a registry", ""}
	default:
		return checkResult{"images", statusOK, fmt.Sprintf("%d made from our programs: %s", len(list), strings.Join(list, ", ")), ""}
	}
}
