package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/cleanup"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
)

// leftoverSource is a place where runs can leave things behind.
type leftoverSource struct {
	name   string
	usable func(context.Context) error // nil: always
	runs   func(context.Context) ([]string, error)
	owner  cleanup.OwnerLookup // looks up who owns a run; nil where things are not labelled with an owner
	sweep  func(context.Context, string) ([]string, error)
}

// leftoverSources lists all places where runs can leave things behind.
func leftoverSources() []leftoverSource {
	return []leftoverSource{
		{docker.Name, docker.Check, docker.Runs, docker.Owner, docker.Sweep},
		{local.Name, nil, local.Runs, nil, local.Sweep},
		{"clean-up logs", nil, func(context.Context) ([]string, error) { return cleanup.Runs() }, nil, cleanup.SweepScratch},
	}
}

// orphanedRuns lists the runs that have left something behind and whose owner is
// certainly gone. A place that cannot be searched is left out.
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

// removeLeftovers removes everything that belongs to the runs and lists what it removed.
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
		if err == nil { // the clean-up log goes last: it says that something may be left
			if err = cleanup.Remove(run); err == nil {
				removed = append(removed, "clean-up log of run "+run)
			}
		}
		errs = append(errs, err)
	}
	return removed, errors.Join(errs...)
}

// surplusImages lists the images that pruneImages would remove.
func surplusImages(ctx context.Context) ([]string, error) { return images(ctx, docker.SurplusImages) }

// pruneImages removes the images that holdfast built and nothing uses, and lists them.
func pruneImages(ctx context.Context) ([]string, error) { return images(ctx, docker.PruneImages) }

// images names what a function of the container engine returns; without an engine
// there is nothing.
func images(ctx context.Context, of func(context.Context) ([]string, error)) ([]string, error) {
	if docker.Check(ctx) != nil {
		return nil, nil
	}
	list, err := of(ctx)
	for i, image := range list {
		list[i] = "image " + image
	}
	return list, err
}

func usableSources(ctx context.Context) []leftoverSource {
	return slices.DeleteFunc(leftoverSources(), func(p leftoverSource) bool { return p.usable != nil && p.usable(ctx) != nil })
}

// checkLeftovers looks for what crashed runs have left behind.
func checkLeftovers(ctx context.Context) checkResult {
	left, err := orphanedRuns(ctx)
	builds, berr := build.Unfinished()
	switch {
	case errors.Join(err, berr) != nil:
		return checkResult{"leftovers", statusWarn, errors.Join(err, berr).Error(), ""}
	case len(left) > 0:
		return checkResult{"leftovers", statusWarn, fmt.Sprintf("%d crashed runs have left things behind: %s", len(left), strings.Join(left, ", ")), "holdfast clean"}
	case len(builds) > 0:
		return checkResult{"leftovers", statusWarn, fmt.Sprintf("%d builds were killed before they were finished: %s", len(builds), strings.Join(builds, ", ")), "holdfast clean"}
	default:
		return checkResult{"leftovers", statusOK, "no crashed run has left anything behind", ""}
	}
}

// checkImages looks at the images that nodes run from.
func checkImages(ctx context.Context) checkResult {
	if err := docker.Check(ctx); err != nil {
		return checkResult{"images", statusOK, "not checked: no container engine answers", ""}
	}
	list, err := docker.Images(ctx)
	switch {
	case err != nil:
		return checkResult{"images", statusWarn, err.Error(), ""}
	case len(list) == 0:
		return checkResult{"images", statusOK, "none yet: the first run builds them, without a registry", ""}
	default:
		return checkResult{"images", statusOK, fmt.Sprintf("%d built from holdfast's programs: %s", len(list), strings.Join(list, ", ")), ""}
	}
}
