// Package local runs a topology as child processes on loopback addresses, for
// machines without a container engine: the same plans, the same links through
// linkd. What it cannot do is namespaces and limits: a node shares the
// machine's memory and disk, and must take a hosts file by a flag, for there
// is only one /etc/hosts here.
//
//	this process ─┬─ linkd (control, echo) ── linkd proxy
//	              └─ node, bound to 127.R.0.x        one pair a node
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/loopback"
	"github.com/mcp-resilience/holdfast/topology"
)

// Name is the runtime's name in scenarios, flags and records.
const Name = "local"

// Driver is the local runtime.
func Driver() cluster.Driver {
	return cluster.Driver{
		Name:  Name,
		Check: func(context.Context) error { return loopback.Check() },
		Open: func(ctx context.Context, s cluster.Spec) (cluster.Runtime, error) {
			r, err := Open(ctx, s)
			if err != nil {
				return nil, err // a nil *Runtime would be no nil Runtime
			}
			return r, nil
		},
	}
}

// Runtime is the local runtime, opened for one run.
type Runtime struct {
	spec   cluster.Spec
	subnet *loopback.Subnet
	spawn  *spawnThread

	mu       sync.Mutex
	children []*child
	disks    []failingDisk
	closed   bool
}

var _ cluster.Runtime = (*Runtime)(nil)

// Open claims a network for the run. A program that the runtime cannot run is
// cluster.Unsupported, with the reason.
func Open(ctx context.Context, s cluster.Spec) (*Runtime, error) {
	for _, n := range s.Topology.Nodes {
		if n.Program.Package == "" && n.Program.Command == "" {
			return nil, cluster.Unsupported{Reason: fmt.Sprintf("node %s names an image, and no Go package to build or command of this machine; the local runtime has no images", n.ID)}
		}
		if n.Program.HostsFlag == "" && !n.Program.UsesPeers() && len(s.Topology.Nodes) > 1 {
			return nil, cluster.Unsupported{Reason: fmt.Sprintf("node %s needs an /etc/hosts of its own, since its program takes no hosts file by a flag and is not told where its peers are ({{.Peer \"NODE\"}})", n.ID)}
		}
	}
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("open local runtime: %w", err)
	}
	s.Dir = dir
	if err := os.MkdirAll(filepath.Join(dir, "nodes"), 0o755); err != nil {
		return nil, fmt.Errorf("open local runtime: %w", err)
	}
	b, err := loopback.Allocate(ctx, s.Topology)
	if err != nil {
		return nil, fmt.Errorf("open local runtime: %w", err)
	}
	return &Runtime{spec: s, subnet: b, spawn: newSpawnThread()}, nil
}

// Start runs the node's program.
func (r *Runtime) Start(ctx context.Context, n topology.Node) (cluster.Process, error) {
	bin, err := r.program(ctx, n.Program)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", n.ID, err)
	}
	v := topology.TemplateVars{
		Name: n.ID, Region: n.Region, Host: r.subnet.Host(n.ID),
		Data: r.path("data", string(n.ID)), Config: r.path("config", string(n.ID)),
		Hosts: r.path("nodes", string(n.ID)+".hosts"), Shared: r.path("shared"),
		Secret: r.spec.Secret, Peers: r.subnet.Peers(n),
	}
	args, env, err := n.Program.Render(v)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", n.ID, err)
	}
	for _, folder := range []string{v.Data, v.Config, v.Shared} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, fmt.Errorf("start %s: %w", n.ID, err)
		}
	}
	files, err := n.Program.RenderFiles(v)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", n.ID, err)
	}
	if err := writeFiles(v.Config, files); err != nil {
		return nil, fmt.Errorf("start %s: %w", n.ID, err)
	}
	if err := os.WriteFile(v.Hosts, []byte(r.subnet.Hosts(n)), 0o644); err != nil {
		return nil, fmt.Errorf("start %s: %w", n.ID, err)
	}
	if n.Program.HostsFlag != "" {
		args = append(args, n.Program.HostsFlag+"="+v.Hosts)
	}
	disk := r.mountDisk(v.Data, r.path("disks", string(n.ID)))
	p := &process{runtime: r, grace: cmp.Or(n.Program.Grace, defaultGrace), disk: disk, spec: childSpec{
		node: n.ID, part: "node", log: r.path("nodes", string(n.ID)+".log"), bin: bin, args: args, env: env,
		// Not the layer: while a child is made, this process stands still until the child is in its
		// folder, and the layer is served by this process.
		dir: disk.backing,
	}}
	if p.child, err = r.launch(p.spec); err != nil {
		return nil, fmt.Errorf("start %s: %w", n.ID, err)
	}
	return p, nil
}

// program returns the path of the executable: built, or a command of this machine.
func (r *Runtime) program(ctx context.Context, p topology.Program) (string, error) {
	if p.Package != "" {
		return r.spec.Binary(ctx, p)
	}
	at, err := exec.LookPath(p.Command)
	if err != nil {
		return "", fmt.Errorf("command %s: %w; install it, or name an image and use --runtime docker", p.Command, err)
	}
	return at, nil
}

func writeFiles(folder string, files map[string][]byte) error {
	for name, content := range files {
		at := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runtime) path(elem ...string) string {
	return filepath.Join(append([]string{r.spec.Dir}, elem...)...)
}

// Close ends every process of the run, stopped ones too, and gives its network
// back. Data and logs stay. A second call does nothing.
func (r *Runtime) Close(ctx context.Context) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	children, disks := r.children, r.disks
	r.mu.Unlock()
	ends := make(chan error, len(children))
	for _, c := range children {
		go func() { ends <- c.end(ctx) }()
	}
	var errs []error
	for range children {
		errs = append(errs, <-ends)
	}
	for _, d := range disks {
		errs = append(errs, d.close())
	}
	// What a node has started itself.
	if _, err := Sweep(ctx, r.spec.Run); err != nil {
		errs = append(errs, err)
	}
	r.spawn.close()                                                       // the kernel kills what it has started, should anything be left
	errs = append(errs, r.subnet.Close(), os.RemoveAll(r.path("config"))) // which may hold the run's secret
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close local runtime: %w", err)
	}
	return nil
}
