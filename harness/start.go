package harness

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// start brings the system up: binaries, pods, links, nodes, then clients, and
// waits until each region is served.
func (r *run) start(ctx context.Context) error {
	spec := cluster.Spec{
		Run: r.record.ID, Topology: r.plan.Topology, Dir: r.scratch, Secret: cluster.NewSecret(),
		Binary: build.Builder(r.o.Runtime.OS).Build, Linkd: r.linkd, CleanupLog: r.guard.Log(),
	}
	rt, err := r.o.Runtime.Open(ctx, spec)
	if err != nil {
		return fmt.Errorf("open runtime %s: %w", r.o.Runtime.Name, err)
	}
	r.say("start", "%d nodes on runtime %s", len(r.plan.Topology.Nodes), r.o.Runtime.Name)
	r.cluster, err = cluster.Start(ctx, rt, spec, func(s string) {
		r.emit(record.Event{Source: record.FromLinks, Kind: "notice", Description: s})
	})
	if err != nil {
		return err
	}
	if v, ok := rt.(interface{ Versions() map[string]string }); ok {
		r.change(func(run *record.Run) {
			for name, version := range v.Versions() {
				run.Versions[name] = version
			}
		})
	}
	if o, ok := r.o.Target.(targets.MembershipAdmin); ok {
		r.cluster.MembershipAdmin = o.MembershipAdmin(r.cluster)
	}
	if err := r.able(); err != nil {
		return err
	}
	r.say("started", "every node and link is up")
	r.narrate(ctx)
	if r.unplug, err = r.instrument(ctx); err != nil {
		return err
	}
	if err := r.connect(ctx); err != nil {
		return err
	}
	if err := r.ready(ctx); err != nil {
		return err
	}
	if err := r.openStream(ctx); err != nil {
		return err
	}
	return r.openBank(ctx)
}

// narrate writes the platform's own events down until the run ends.
func (r *run) narrate(ctx context.Context) {
	n, ok := r.o.Target.(targets.EventSource)
	ctx, r.hush = context.WithCancel(context.WithoutCancel(ctx))
	if !ok {
		return
	}
	r.narrator.Go(func() {
		n.StreamEvents(ctx, r.cluster, r.platform)
	})
}

// connect makes every region's clients.
func (r *run) connect(ctx context.Context) error {
	r.clients = map[topology.Region][]workload.Client{}
	for _, region := range r.plan.Topology.Regions() {
		for id := range r.plan.Load.Clients {
			c, err := r.o.Target.Client(ctx, r.cluster, region, id)
			if err != nil {
				return fmt.Errorf("client %d of region %s: %w", id, region, err)
			}
			r.clients[region] = append(r.clients[region], c)
		}
	}
	return nil
}
