package harness

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/topology"
)

// watchdogPackage is the main package of the watchdog.
const watchdogPackage = build.Module + "/cmd/watchdog"

// build finds or builds what every run needs, side by side. The nodes' programs
// are built by the runtime, when it knows that it can run them.
func (r *run) build(ctx context.Context) (dog, linkd string, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		dog, err = build.Build(ctx, topology.Program{Package: watchdogPackage})
		return err
	})
	g.Go(func() (err error) {
		linkd, err = build.Builder(r.o.Runtime.OS).Linkd(ctx)
		return err
	})
	return dog, linkd, g.Wait()
}
