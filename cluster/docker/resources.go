package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/moby/moby/client"

	"github.com/mcp-resilience/holdfast/cluster/cleanup"
)

// Labels on everything that this package makes. Nothing without LabelRun is
// ever removed, and of images nothing without LabelImage.
const (
	LabelRun   = "holdfast.run"   // the run's id
	LabelOwner = "holdfast.owner" // cleanup.Owner of the process that runs it
	LabelNode  = "holdfast.node"  // node a container belongs to
	LabelPart  = "holdfast.part"  // "sandbox" or "node"
	LabelImage = "holdfast.image" // program an image was made from
)

func runLabels(run string, more map[string]string) map[string]string {
	out := map[string]string{LabelRun: run, LabelOwner: cleanup.Self().String()}
	maps.Copy(out, more)
	return out
}

// ofRun matches what belongs to one run; ours what belongs to any.
func ofRun(run string) client.Filters { return make(client.Filters).Add("label", LabelRun+"="+run) }
func ours() client.Filters            { return make(client.Filters).Add("label", LabelRun) }

// resource is a container, volume or network with our labels.
type resource struct{ name, run, owner string }

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

func leftovers(ctx context.Context, which client.Filters) ([]resource, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer e.close()
	var out []resource
	put := func(kind, name string, labels map[string]string) {
		out = append(out, resource{kind + " " + name, labels[LabelRun], labels[LabelOwner]})
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
