package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// wipeVolume removes all that is in the data volume of a node. Of all capabilities the
// helper has the one by which root may enter folders of other users.
func (r *Runtime) wipeVolume(ctx context.Context, p *process) error {
	at, err := p.volume(ctx, dataDir)
	if err != nil {
		return err
	}
	return r.onVolumes(ctx, p.node, "wipe", "DAC_OVERRIDE", map[string]string{dataDir: at})
}

// shareVolumes lets every user write to the folders of a container that has been made.
// A volume belongs to root, and the program of an image made by others may run as any user.
func (r *Runtime) shareVolumes(ctx context.Context, p *process, folders ...string) error {
	volumes := map[string]string{}
	for _, folder := range folders {
		at, err := p.volume(ctx, folder)
		if err != nil {
			return err
		}
		volumes[folder] = at
	}
	return r.onVolumes(ctx, p.node, "share", "FOWNER", volumes)
}

// onVolumes runs linkd with a verb on volumes, which are given by their folders. The
// helper container has no network and sees nothing else.
func (r *Runtime) onVolumes(ctx context.Context, node topology.NodeID, verb, capability string, volumes map[string]string) (err error) {
	name := r.network + "-" + string(node) + "-" + verb
	if err := r.logCleanup("container", name, "remove the container"); err != nil {
		return err
	}
	folders := slices.Sorted(maps.Keys(volumes))
	id, err := r.create(ctx, testcontainers.ContainerRequest{
		Name: name, Image: r.linkd.ref, Cmd: append([]string{verb}, folders...),
		Labels: runLabels(r.spec.Run, map[string]string{LabelNode: string(node), LabelPart: verb}),
		HostConfigModifier: func(h *container.HostConfig) {
			harden(h, sandboxMemory, sandboxPids)
			h.CapAdd = []string{capability}
			h.NetworkMode = "none"
			for _, folder := range folders {
				h.Mounts = append(h.Mounts, mount.Mount{Type: mount.TypeVolume, Source: volumes[folder], Target: folder})
			}
		},
	})
	if err != nil {
		return fmt.Errorf("make container: %w", err)
	}
	defer func() {
		ctx, cancel := detached(ctx)
		defer cancel()
		_, rerr := r.engine.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
		err = errors.Join(err, ignoreNotFound(rerr))
	}()
	helper := &process{id: id, node: node, api: r.engine.api}
	if err := helper.start(ctx); err != nil {
		return err
	}
	s, err := cluster.Await(ctx, helper, cluster.Exited)
	if err != nil {
		return err
	}
	if s.ExitCode != 0 {
		return fmt.Errorf("%s of %v failed: %s", verb, folders, r.tailLog(ctx, id))
	}
	return nil
}

// volume is the name of the volume that is mounted at a folder.
func (p *process) volume(ctx context.Context, folder string) (string, error) {
	got, err := p.api.ContainerInspect(ctx, p.id, client.ContainerInspectOptions{})
	if err != nil {
		return "", fmt.Errorf("inspect container: %w", err)
	}
	for _, m := range got.Container.Mounts {
		if m.Destination == folder {
			return m.Name, nil
		}
	}
	return "", fmt.Errorf("the container has no volume at %s", folder)
}
