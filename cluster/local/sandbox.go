package local

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// sandbox is a linkd with its proxies.
type sandbox struct {
	*process
	server links.Server
}

var _ cluster.Sandbox = sandbox{}

func (s sandbox) Server() links.Server { return s.server }

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
