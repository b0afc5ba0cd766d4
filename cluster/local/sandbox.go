package local

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/internal/cputime"
	"github.com/mcp-resilience/holdfast/topology"
)

// sandbox is a linkd with its proxies.
type sandbox struct {
	*process
	server links.Server
}

var (
	_ cluster.Sandbox          = sandbox{}
	_ cluster.SandboxRestarter = sandbox{}
	_ cluster.CPUMeter         = sandbox{}
)

func (s sandbox) Server() links.Server { return s.server }

// RestartSandbox implements cluster.SandboxRestarter: linkd is a process of its own here, beside that of the node.
func (s sandbox) RestartSandbox(ctx context.Context) (cluster.RestartedSandbox, error) {
	if err := s.Restart(ctx); err != nil {
		return cluster.RestartedSandbox{}, fmt.Errorf("linkd: %w", err)
	}
	c := s.current()
	if err := s.server.Await(ctx, c.done); err != nil {
		return cluster.RestartedSandbox{}, fmt.Errorf("linkd of %s: %w; %s", s.spec.node, err, tailLog(c.log))
	}
	return cluster.RestartedSandbox{Server: s.server}, nil
}

// CPUUsage implements cluster.CPUMeter.
func (s sandbox) CPUUsage(context.Context) (out cluster.CPUUsage, err error) {
	err = s.current().withPID(func(pid int) error {
		u, err := cputime.OfTree(pid)
		out = cluster.CPUUsage(u)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("processor time of linkd of %s: %w", s.spec.node, err)
	}
	return out, nil
}

// StartSandbox starts the node's linkd and waits until it answers.
func (r *Runtime) StartSandbox(ctx context.Context, n topology.Node) (cluster.Sandbox, error) {
	if _, ok := r.spec.Topology.Node(n.ID); !ok {
		return nil, fmt.Errorf("start linkd of %s: it is not in the topology", n.ID)
	}
	s := r.subnet.Server(n)
	s.Credential = links.NewCredential()
	p := &process{runtime: r, grace: defaultGrace, spec: childSpec{
		node: n.ID, part: "linkd", log: r.path("nodes", string(n.ID)+".linkd.log"),
		bin:  r.spec.Linkd,
		args: []string{"-control", s.Control, "-admin", s.Admin, "-echo", r.subnet.EchoAddr(n.ID)},
		env:  []string{links.CredentialEnv + "=" + s.Credential},
	}}
	c, err := r.launch(p.spec)
	if err != nil {
		return nil, fmt.Errorf("start linkd of %s: %w", n.ID, err)
	}
	if err := s.Await(ctx, c.done); err != nil {
		return nil, fmt.Errorf("start linkd of %s: %w; %s", n.ID, err, tailLog(c.log))
	}
	p.child = c
	return sandbox{process: p, server: s}, nil
}
