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

// place is somewhere that runs leave things.
type place struct {
	name    string
	usable  func(context.Context) error // nil: always
	runs    func(context.Context) ([]string, error)
	ask     cleanup.OwnerLookup // who owns a run; nil where things bear no owner
	sweeper func(context.Context, string) ([]string, error)
}

// places lists all there are.
func places() []place {
	return []place{
		{docker.Name, docker.Check, docker.Runs, docker.Owner, docker.Sweep},
		{local.Name, nil, local.Runs, nil, local.Sweep},
		{"journals", nil, func(context.Context) ([]string, error) { return cleanup.Runs() }, nil, cleanup.SweepScratch},
	}
}

// abandoned lists the runs whose owner is gone for certain and which have left
// something. A place that cannot be looked into is left out.
func abandoned(ctx context.Context) ([]string, error) {
	var runs []string
	var asks []cleanup.OwnerLookup
	var errs []error
	for _, p := range usable(ctx) {
		found, err := p.runs(ctx)
		errs = append(errs, err)
		runs = append(runs, found...)
		if p.ask != nil {
			asks = append(asks, p.ask)
		}
	}
	slices.Sort(runs)
	return cleanup.Orphans(ctx, slices.Compact(runs), asks...), errors.Join(errs...)
}

// sweep removes everything of the runs and says what it was.
func sweep(ctx context.Context, runs []string) (removed []string, err error) {
	var sweepers []cleanup.Sweeper
	for _, p := range usable(ctx) {
		sweepers = append(sweepers, cleanup.Sweeper{Name: p.name, Sweep: p.sweeper})
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

func usable(ctx context.Context) []place {
	return slices.DeleteFunc(places(), func(p place) bool { return p.usable != nil && p.usable(ctx) != nil })
}

// residue is what doctor sees of abandoned runs.
func residue(ctx context.Context) symptom {
	left, err := abandoned(ctx)
	switch {
	case err != nil:
		return symptom{"residue", poor, err.Error(), ""}
	case len(left) > 0:
		return symptom{"residue", poor, fmt.Sprintf("%d abandoned runs have left things: %s", len(left), strings.Join(left, ", ")), "holdfast clean"}
	default:
		return symptom{"residue", good, "no abandoned run has left anything", ""}
	}
}

// images is what doctor sees of the images that nodes run from.
func images(ctx context.Context) symptom {
	if err := docker.Check(ctx); err != nil {
		return symptom{"images", good, "not looked at: no container engine", ""}
	}
	list, err := docker.Images(ctx)
	switch {
	case err != nil:
		return symptom{"images", poor, err.Error(), ""}
	case len(list) == 0:
		return symptom{"images", good, "none yet: the first run makes them, without a registry", ""}
	default:
		return symptom{"images", good, fmt.Sprintf("%d made from our programs: %s", len(list), strings.Join(list, ", ")), ""}
	}
}
