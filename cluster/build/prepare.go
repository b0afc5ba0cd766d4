package build

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/topology"
)

// Prepared is the binaries that every run needs.
type Prepared struct {
	Watchdog string // runs on this machine
	Linkd    string // runs where the nodes do
}

// Prepare finds or builds the watchdog, linkd and the programs of the nodes.
// What has to be built is built by one call of the toolchain for each system and
// module, since two calls at a time would both compile what their programs
// share. A node's program that cannot be built is no error here: Build reports
// it to the runtime, which may not be able to run it in any case.
func (b Builder) Prepare(ctx context.Context, programs []topology.Program) (Prepared, error) {
	watchdog, linkd := topology.Program{Package: watchdogPackage}, topology.Program{Package: linkdPackage}
	batches := map[batch][]key{}
	add := func(b Builder, p topology.Program) {
		if p.Package == "" {
			return // it is an image
		}
		if _, ok, err := b.prebuilt(p.Package); ok || err != nil {
			return
		}
		k := key{b.system(), p.Module, p.Package}
		to := batch{k.system, k.module, k.ours(), 0}
		for named(batches[to], k) {
			to.number++
		}
		batches[to] = append(batches[to], k)
	}
	add("", watchdog)
	add(b, linkd)
	for _, p := range programs {
		add(b, p)
	}
	var all errgroup.Group
	for _, ks := range batches {
		all.Go(func() error {
			_ = builds.getAll(ctx, ks) // each that is missing is asked for again below, or by the runtime
			return nil
		})
	}
	_ = all.Wait()
	var out Prepared
	var err error
	if out.Watchdog, err = Build(ctx, watchdog); err != nil {
		return Prepared{}, err
	}
	if out.Linkd, err = b.Linkd(ctx); err != nil {
		return Prepared{}, err
	}
	return out, nil
}

// batch is what one call of the toolchain can build. Programs of one name, which
// would overwrite each other, have different numbers.
type batch struct {
	system, module string
	ours           bool
	number         int
}

// named says whether a batch has another program of the same name.
func named(ks []key, k key) bool {
	for _, other := range ks {
		if other != k && name(other.system, other.pkg) == name(k.system, k.pkg) {
			return true
		}
	}
	return false
}
