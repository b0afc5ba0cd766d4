package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// defaultGrace is how long a graceful stop may take where the program does not say.
const defaultGrace = 10 * time.Second

// Start runs the node's program in a container that joins its sandbox.
func (r *Runtime) Start(ctx context.Context, n topology.Node) (cluster.Process, error) {
	r.mu.Lock()
	pod, ok := r.pods[n.ID]
	img := r.images[programKey(n.Program)]
	r.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("start %s: it has no sandbox yet", n.ID)
	}
	v := topology.TemplateVars{
		Name: n.ID, Region: n.Region, Host: pod.address, Data: dataDir, Config: configDir, Shared: sharedDir,
		Secret: r.spec.Secret, Peers: map[topology.NodeID]string{},
	}
	for _, peer := range r.spec.Topology.Nodes {
		v.Peers[peer.ID] = string(peer.ID)
	}
	args, env, err := n.Program.Render(v)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", n.ID, err)
	}
	files, err := n.Program.RenderFiles(v)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", n.ID, err)
	}
	if n.Program.Command != "" {
		args = append([]string{n.Program.Command}, args...)
	}
	name := r.network + "-" + string(n.ID)
	if err := r.logCleanup("container", name, "unpause and remove the container"); err != nil {
		return nil, err
	}
	labels := runLabels(r.spec.Run, map[string]string{LabelNode: string(n.ID), LabelPart: "node"})
	own := n.Program.Container
	id, err := r.create(ctx, testcontainers.ContainerRequest{
		Name: name, Image: img.ref, Cmd: args, Labels: labels,
		ConfigModifier: func(c *container.Config) {
			c.Env = append(c.Env, env...) // of an image made by others, its own comes first
			c.User = own.User
			if len(own.Entrypoint) > 0 {
				c.Entrypoint = own.Entrypoint
			}
		},
		HostConfigModifier: func(h *container.HostConfig) {
			harden(h, cmp.Or(own.Memory, nodeMemory), nodePids)
			h.ReadonlyRootfs = !own.WritableRoot
			h.CapAdd = own.Capabilities
			for _, folder := range own.Tmpfs {
				h.Tmpfs[folder] = tmpfsOptions
			}
			h.NetworkMode = container.NetworkMode("container:" + pod.container)
			h.Mounts = append(h.Mounts, volume(dataDir, labels))
			if len(files) > 0 {
				h.Mounts = append(h.Mounts, volume(configDir, labels))
			}
			if n.Program.UsesSharedDir() {
				h.Mounts = append(h.Mounts, sharedVolume(r.network+"-shared", r.spec.Run))
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make container of %s: %w", n.ID, err)
	}
	p := &process{id: id, node: n.ID, grace: cmp.Or(n.Program.Grace, defaultGrace), api: r.engine.api, runtime: r}
	if len(files) > 0 {
		if err := r.fill(ctx, id, configDir, files); err != nil {
			return nil, fmt.Errorf("make container of %s: %w", n.ID, err)
		}
	}
	if n.Program.Image != "" {
		folders := []string{dataDir}
		if len(files) > 0 {
			folders = append(folders, configDir)
		}
		if err := r.shareVolumes(ctx, p, folders...); err != nil {
			return nil, fmt.Errorf("make container of %s: %w", n.ID, err)
		}
	}
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nodes = append(r.nodes, p)
	return p, nil
}

// create makes a container through testcontainers without starting it.
func (r *Runtime) create(ctx context.Context, req testcontainers.ContainerRequest) (id string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	c, err := r.engine.provider.CreateContainer(ctx, req)
	if err != nil {
		return "", err
	}
	return c.GetContainerID(), nil
}

// tailLog quotes the end of a container's output for an error message.
func (r *Runtime) tailLog(ctx context.Context, id string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	from, err := r.engine.api.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "5"})
	if err != nil {
		return "its output cannot be read: " + err.Error()
	}
	defer from.Close()
	b, _ := io.ReadAll(&demux{from: from})
	return fmt.Sprintf("the end of its output: %q", strings.TrimSpace(string(b)))
}

// process is a node's container.
type process struct {
	id    string
	node  topology.NodeID
	grace time.Duration
	api   client.APIClient
	// runtime is nil for helpers, whose data nobody asks for.
	runtime *Runtime

	mu       sync.Mutex
	stopping context.CancelFunc // of the present graceful stop, nil when there is none
	stopped  chan struct{}      // closed when it is over
}

var _ cluster.Process = (*process)(nil)

func (p *process) Signal(ctx context.Context, s cluster.Signal) (err error) {
	switch s {
	case cluster.Kill:
		_, err = p.api.ContainerKill(ctx, p.id, client.ContainerKillOptions{Signal: "SIGKILL"})
	case cluster.Terminate:
		err = p.terminate(ctx)
	case cluster.Pause:
		err = p.pause(ctx)
	case cluster.Resume:
		if _, err = p.api.ContainerUnpause(ctx, p.id, client.ContainerUnpauseOptions{}); err != nil {
			// The engine refuses it on a container that is not paused.
			if s, serr := p.Status(ctx); serr == nil && s.State == cluster.Running {
				err = nil
			}
		}
	default:
		err = errors.New("no such signal")
		if s.Posix() {
			_, err = p.api.ContainerKill(ctx, p.id, client.ContainerKillOptions{Signal: string(s)})
		}
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", s, p.node, err)
	}
	return nil
}

// pauseTries is how often a pause is asked for that the engine could not carry out.
const pauseTries = 5

// pause freezes the container. A cgroup whose processes are throttled may not come to
// rest within the time that the engine's runtime gives it; then it is thawed, and asked again.
func (p *process) pause(ctx context.Context) (err error) {
	for range pauseTries {
		_, err = p.api.ContainerPause(ctx, p.id, client.ContainerPauseOptions{})
		if err == nil || !strings.Contains(err.Error(), "unable to freeze") {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * pollInterval):
		}
	}
	return err
}

// terminate asks the program to stop and leaves a goroutine behind that kills
// it after its grace. It ends with the program, with Restart or with the runtime.
func (p *process) terminate(ctx context.Context) error {
	p.endGrace()
	if _, err := p.api.ContainerKill(ctx, p.id, client.ContainerKillOptions{Signal: "SIGTERM"}); err != nil {
		return err
	}
	wctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	p.mu.Lock()
	p.stopping, p.stopped = cancel, done
	p.mu.Unlock()
	go func() {
		defer close(done)
		tctx, tcancel := context.WithTimeout(wctx, p.grace)
		defer tcancel()
		for tctx.Err() == nil {
			s, err := p.Status(tctx)
			if (err == nil && s.State == cluster.Exited) || errdefs.IsNotFound(err) {
				return
			}
			select {
			case <-tctx.Done():
			case <-time.After(10 * pollInterval):
			}
		}
		if wctx.Err() == nil {
			// It fails when the program stopped just now, which is all that is wanted.
			_, _ = p.api.ContainerKill(wctx, p.id, client.ContainerKillOptions{Signal: "SIGKILL"})
		}
	}()
	return nil
}

// endGrace ends the goroutine of a graceful stop, if there is one.
func (p *process) endGrace() {
	p.mu.Lock()
	cancel, done := p.stopping, p.stopped
	p.stopping, p.stopped = nil, nil
	p.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
}

func (p *process) Restart(ctx context.Context) error {
	s, err := p.Status(ctx)
	if err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	if s.State != cluster.Exited {
		return fmt.Errorf("restart %s: it is %s", p.node, s.State)
	}
	p.endGrace()
	return p.start(ctx)
}

func (p *process) start(ctx context.Context) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	if _, err := p.api.ContainerStart(ctx, p.id, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("start %s: %w", p.node, err)
	}
	return nil
}

func (p *process) Status(ctx context.Context) (cluster.ProcessStatus, error) {
	got, err := p.api.ContainerInspect(ctx, p.id, client.ContainerInspectOptions{})
	if err != nil {
		return cluster.ProcessStatus{}, fmt.Errorf("state of %s: %w", p.node, err)
	}
	s := got.Container.State
	if s == nil {
		return cluster.ProcessStatus{}, fmt.Errorf("state of %s: the engine returned none", p.node)
	}
	at, err := time.Parse(time.RFC3339Nano, s.StartedAt)
	if err != nil {
		return cluster.ProcessStatus{}, fmt.Errorf("state of %s: start time: %w", p.node, err)
	}
	out := cluster.ProcessStatus{State: cluster.Running, Started: at, OOMKilled: s.OOMKilled}
	switch {
	case s.Paused:
		out.State = cluster.Paused
	case !s.Running:
		out.State, out.ExitCode = cluster.Exited, exitCode(s.ExitCode)
	}
	return out, nil
}

// exitCode turns the engine's 128+n for a death by signal n into -1.
func exitCode(c int) int {
	if c > 128 && c <= 128+64 {
		return -1
	}
	return c
}

// Logs is what the container wrote over all its starts; the engine keeps it.
func (p *process) Logs(ctx context.Context) (io.ReadCloser, error) {
	from, err := p.api.ContainerLogs(ctx, p.id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return nil, fmt.Errorf("logs of %s: %w", p.node, err)
	}
	return &demux{from: from}, nil
}
