package docker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Runtime is the pods of one run.
type Runtime struct {
	spec    cluster.Spec
	engine  *engine
	network string
	linkd   imageRef
	version string // of the engine

	mu     sync.Mutex
	pods   map[topology.NodeID]pod
	images map[string]imageRef // by program, see programKey
	nodes  []*process
}

// pod is a started sandbox.
type pod struct{ container, address string }

var _ cluster.Runtime = (*Runtime)(nil)

// Open makes the run's network and whatever images are missing, all at once.
// On error nothing is left behind.
func Open(ctx context.Context, s cluster.Spec) (_ *Runtime, err error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("open docker runtime: %w", oneLine(ctx, err))
	}
	r := &Runtime{
		spec: s, engine: e, network: "holdfast-" + s.Run,
		pods: map[topology.NodeID]pod{}, images: map[string]imageRef{},
	}
	defer func() {
		if err != nil {
			_ = r.Close(context.WithoutCancel(ctx))
			err = fmt.Errorf("open docker runtime: %w", err)
		}
	}()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.makeNetwork(gctx) })
	g.Go(func() (err error) {
		r.linkd, err = e.imageOf(gctx, "linkd", s.Linkd)
		return err
	})
	g.Go(func() error {
		v, err := e.api.ServerVersion(gctx, client.ServerVersionOptions{})
		r.version = v.Version
		return err
	})
	for _, n := range distinct(s.Topology) {
		g.Go(func() error {
			img, err := r.imageFor(gctx, n.Program)
			if err != nil {
				return fmt.Errorf("program of %s: %w", n.ID, err)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.images[programKey(n.Program)] = img
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Runtime) makeNetwork(ctx context.Context) error {
	if err := r.logCleanup("network", r.network, "remove the network"); err != nil {
		return err
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	// Not through testcontainers: what it has left for networks chooses the name.
	_, err := r.engine.api.NetworkCreate(ctx, r.network, client.NetworkCreateOptions{
		Driver: "bridge", Labels: runLabels(r.spec.Run, nil),
	})
	if err != nil {
		return fmt.Errorf("make network %s: %w", r.network, err)
	}
	return nil
}

// detached is for requests that make something. They are not broken off with
// the caller's context: the engine would go on with the work, and the thing
// would appear after everything was removed.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), createTimeout)
}

// createTimeout is how long an engine may take to make or start one thing.
const createTimeout = 60 * time.Second

// imageFor returns the image of a program.
func (r *Runtime) imageFor(ctx context.Context, p topology.Program) (imageRef, error) {
	if p.Image != "" {
		return r.engine.named(ctx, p.Image)
	}
	if p.Package == "" {
		return imageRef{}, cluster.Unsupported{Reason: fmt.Sprintf("it is the command %s of this machine, and a container needs an image or a package to build", p.Command)}
	}
	binary, err := r.spec.Binary(ctx, p)
	if err != nil {
		return imageRef{}, err
	}
	return r.engine.imageOf(ctx, programName(p), binary)
}

// distinct lists one node for each program of the topology.
func distinct(t topology.Topology) []topology.Node {
	seen := map[string]bool{}
	var out []topology.Node
	for _, n := range t.Nodes {
		if k := programKey(n.Program); !seen[k] {
			seen[k] = true
			out = append(out, n)
		}
	}
	return out
}

func programKey(p topology.Program) string { return p.Image + "|" + p.Module + "|" + p.Package }

// Versions names what the run ran on: the engine and the images by their ids.
func (r *Runtime) Versions() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]string{"docker": r.version, "image " + r.linkd.ref: r.linkd.id}
	for _, img := range r.images {
		out["image "+img.ref] = img.id
	}
	return out
}

// Ping asks the engine for a sign of life.
func (r *Runtime) Ping(ctx context.Context) error {
	_, err := r.engine.api.Ping(ctx, client.PingOptions{})
	return err
}

// Close removes every container, volume and network of the run, whatever its
// state, also those of a start that was broken off.
func (r *Runtime) Close(ctx context.Context) error {
	defer r.engine.close()
	r.mu.Lock()
	nodes := r.nodes
	r.mu.Unlock()
	for _, p := range nodes {
		p.endGrace()
	}
	_, err := r.engine.sweep(ctx, r.spec.Run)
	return err
}

// logCleanup writes into the clean-up log what is about to be made.
func (r *Runtime) logCleanup(what, id, undo string) error {
	if r.spec.CleanupLog == nil {
		return nil
	}
	err := r.spec.CleanupLog.Append(cluster.CleanupEntry{What: what, ID: id, Undo: undo, At: time.Now()})
	if err != nil {
		return fmt.Errorf("note %s %s in the clean-up log: %w", what, id, err)
	}
	return nil
}
