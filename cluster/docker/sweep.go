package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// sweepTimeout bounds a sweep whose context has no deadline.
const sweepTimeout = 60 * time.Second

// Sweep removes every container, volume and network that carries the run's
// label, paused or not, and returns what it removed. Nothing else is touched.
func Sweep(ctx context.Context, run string) (removed []string, err error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("sweep run %s: %w", run, err)
	}
	defer e.close()
	return e.sweep(ctx, run)
}

// sweep removes in rounds until nothing is left: the engine may still be at
// work on a request whose sender has died, and refuses to remove a thing twice
// at a time.
func (e *engine) sweep(ctx context.Context, run string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	var removed []string
	var last error
	for {
		gone, left, err := e.sweepOnce(ctx, run)
		removed = append(removed, gone...)
		if err == nil && left == 0 {
			return removed, nil
		}
		if err != nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return removed, fmt.Errorf("sweep run %s: %w", run, errors.Join(ctx.Err(), last))
		case <-time.After(pollInterval):
		}
	}
}

// sweepOnce removes what it finds. Left is how much there was to remove.
func (e *engine) sweepOnce(ctx context.Context, run string) (removed []string, left int, err error) {
	cs, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ofRun(run)})
	if err != nil {
		return nil, 0, fmt.Errorf("list containers: %w", err)
	}
	if removed, err = each(cs.Items, func(c container.Summary) (string, error) {
		return "container " + nameOf(c), e.removeContainer(ctx, c)
	}); err != nil || len(cs.Items) > 0 {
		return removed, len(cs.Items), err
	}
	vs, err := e.api.VolumeList(ctx, client.VolumeListOptions{Filters: ofRun(run)})
	if err != nil {
		return nil, 0, fmt.Errorf("list volumes: %w", err)
	}
	for _, v := range vs.Items {
		_, rerr := e.api.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{})
		if err = errors.Join(err, ignoreNotFound(rerr)); rerr == nil {
			removed = append(removed, "volume "+v.Name)
		}
	}
	ns, lerr := e.api.NetworkList(ctx, client.NetworkListOptions{Filters: ofRun(run)})
	if lerr != nil {
		return removed, 0, fmt.Errorf("list networks: %w", lerr)
	}
	for _, n := range ns.Items {
		_, rerr := e.api.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
		if err = errors.Join(err, ignoreNotFound(rerr)); rerr == nil {
			removed = append(removed, "network "+n.Name)
		}
	}
	return removed, len(vs.Items) + len(ns.Items), err
}

func (e *engine) removeContainer(ctx context.Context, c container.Summary) error {
	if c.State == container.StatePaused {
		// Older engines refuse to remove a paused container, forced or not.
		_, _ = e.api.ContainerUnpause(ctx, c.ID, client.ContainerUnpauseOptions{})
	}
	_, err := e.api.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if errdefs.IsConflict(err) { // its removal is under way already
		return nil
	}
	return ignoreNotFound(err)
}

// nameOf is the container's name; one that is half removed has none any more.
func nameOf(c container.Summary) string {
	if len(c.Names) == 0 {
		return c.ID
	}
	return strings.TrimPrefix(c.Names[0], "/")
}

func ignoreNotFound(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// each does things to all items at once and returns the names of those that went well.
func each[T any](items []T, do func(T) (string, error)) ([]string, error) {
	names, errs := make([]string, len(items)), make([]error, len(items))
	var wg sync.WaitGroup
	for i, it := range items {
		wg.Go(func() { names[i], errs[i] = do(it) })
	}
	wg.Wait()
	var ok []string
	for i, n := range names {
		if errs[i] == nil {
			ok = append(ok, n)
		}
	}
	return ok, errors.Join(errs...)
}
