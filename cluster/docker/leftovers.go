package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/moby/moby/client"

	"github.com/mcp-resilience/holdfast/cluster/cleanup"
)

// thing is a container, volume or network with our labels.
type thing struct{ name, run, owner string }

// Runs lists the runs that have left something in the engine, sorted.
func Runs(ctx context.Context) ([]string, error) {
	all, err := leftovers(ctx, ours())
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	runs := map[string]bool{}
	for _, t := range all {
		runs[t.run] = true
	}
	return slices.Sorted(maps.Keys(runs)), nil
}

// Leftovers lists what there is of a run: containers, volumes and networks.
func Leftovers(ctx context.Context, run string) ([]string, error) {
	all, err := leftovers(ctx, ofRun(run))
	if err != nil {
		return nil, fmt.Errorf("list what is left of run %s: %w", run, err)
	}
	var out []string
	for _, t := range all {
		out = append(out, t.name)
	}
	return out, nil
}

// Owner returns who owns a run, as the labels of what it made say; ok is false
// where nothing of the run is there or it does not say.
func Owner(ctx context.Context, run string) (id cleanup.Owner, ok bool) {
	all, err := leftovers(ctx, ofRun(run))
	if err != nil {
		return cleanup.Owner{}, false
	}
	for _, t := range all {
		if id, err := cleanup.ParseOwner(t.owner); err == nil {
			return id, true
		}
	}
	return cleanup.Owner{}, false
}

func leftovers(ctx context.Context, which client.Filters) ([]thing, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer e.close()
	var out []thing
	put := func(kind, name string, labels map[string]string) {
		out = append(out, thing{kind + " " + name, labels[LabelRun], labels[LabelOwner]})
	}
	cs, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: which})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	for _, c := range cs.Items {
		put("container", nameOf(c), c.Labels)
	}
	vs, err := e.api.VolumeList(ctx, client.VolumeListOptions{Filters: which})
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	for _, v := range vs.Items {
		put("volume", v.Name, v.Labels)
	}
	ns, err := e.api.NetworkList(ctx, client.NetworkListOptions{Filters: which})
	if err != nil {
		return nil, fmt.Errorf("list networks: %w", err)
	}
	for _, n := range ns.Items {
		put("network", n.Name, n.Labels)
	}
	return out, nil
}
