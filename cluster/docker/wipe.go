package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/mcp-resilience/holdfast/cluster"
)

// wipeVolume removes all that is in the data volume of a node, by a container that
// runs `linkd empty` on it. It has no network and sees nothing else; of all
// capabilities it has the one by which root may enter folders of other users.
func (r *Runtime) wipeVolume(ctx context.Context, p *process) (err error) {
	volume, err := p.volume(ctx)
	if err != nil {
		return err
	}
	name := r.network + "-" + string(p.node) + "-wipe"
	if err := r.logCleanup("container", name, "remove the container"); err != nil {
		return err
	}
	id, err := r.create(ctx, testcontainers.ContainerRequest{
		Name: name, Image: r.linkd.ref, Cmd: []string{"wipe", dataDir},
		Labels: runLabels(r.spec.Run, map[string]string{LabelNode: string(p.node), LabelPart: "wipe"}),
		HostConfigModifier: func(h *container.HostConfig) {
			harden(h, sandboxMemory, sandboxPids)
			h.CapAdd = []string{"DAC_OVERRIDE"}
			h.NetworkMode = "none"
			h.Mounts = append(h.Mounts, mount.Mount{Type: mount.TypeVolume, Source: volume, Target: dataDir})
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
	helper := &process{id: id, node: p.node, api: r.engine.api}
	if err := helper.start(ctx); err != nil {
		return err
	}
	s, err := cluster.Await(ctx, helper, cluster.Exited)
	if err != nil {
		return err
	}
	if s.ExitCode != 0 {
		return fmt.Errorf("it could not be emptied: %s", r.tailLog(ctx, id))
	}
	return nil
}

// volume is the name of the volume that holds the node's data.
func (p *process) volume(ctx context.Context) (string, error) {
	got, err := p.api.ContainerInspect(ctx, p.id, client.ContainerInspectOptions{})
	if err != nil {
		return "", fmt.Errorf("inspect container: %w", err)
	}
	for _, m := range got.Container.Mounts {
		if m.Destination == dataDir {
			return m.Name, nil
		}
	}
	return "", fmt.Errorf("the container has no volume at %s", dataDir)
}
