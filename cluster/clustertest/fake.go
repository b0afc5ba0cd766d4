// Package clustertest is the conformance suite of runtimes, Conformance, and a runtime
// without processes that passes it, Fake. The links of Fake are real: a linkd in this
// process, on a loopback network of the run's own.
package clustertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest/testnode"
	"github.com/mcp-resilience/holdfast/cluster/loopback"
	"github.com/mcp-resilience/holdfast/topology"
)

// Incarnation is what one run of a fake node's program is given.
type Incarnation struct {
	Node topology.Node
	Vars topology.TemplateVars // Data and Hosts are paths that exist
	Args []string              // the program's, rendered
	Env  []string              // likewise, NAME=value
	Log  io.Writer
	// Gate returns at once, and while the node is paused not before it is
	// resumed or ctx ends. A node must pass it before whatever others can see.
	Gate func(ctx context.Context)
}

// Serve is a fake node: it runs until ctx ends, which is how it is killed and
// stopped; an error before that is exit status 1.
type Serve func(ctx context.Context, l Incarnation) error

// Fake is a runtime whose nodes are goroutines. Nil is a testnode.
func Fake(serve Serve) cluster.Driver {
	if serve == nil {
		serve = Testnode
	}
	return cluster.Driver{
		Name:  "fake",
		Check: func(context.Context) error { return loopback.Check() },
		Open: func(ctx context.Context, s cluster.Spec) (cluster.Runtime, error) {
			b, err := loopback.Allocate(ctx, s.Topology)
			if err != nil {
				return nil, fmt.Errorf("open fake runtime: %w", err)
			}
			run, end := context.WithCancel(context.WithoutCancel(ctx))
			return &fake{spec: s, serve: serve, block: b, run: run, end: end}, nil
		},
	}
}

// Testnode is the fake node that Fake runs by itself.
func Testnode(ctx context.Context, l Incarnation) error {
	for _, a := range l.Args {
		if a == "--exit=3" {
			_, _ = fmt.Fprintln(l.Log, "it was told to exit at once")
			return exitStatus(3)
		}
	}
	return testnode.Serve(ctx, testnode.Config{
		Name: string(l.Vars.Name), Host: l.Vars.Host, Data: l.Vars.Data, Hosts: l.Vars.Hosts, Log: l.Log, Gate: l.Gate,
		Secret: environment(l.Env, "TEST_SECRET"),
	})
}

// environment finds a variable among NAME=value.
func environment(env []string, name string) string {
	for _, e := range env {
		if n, v, _ := strings.Cut(e, "="); n == name {
			return v
		}
	}
	return ""
}

type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

type fake struct {
	spec  cluster.Spec
	serve Serve
	block *loopback.Subnet
	run   context.Context // of everything it starts
	end   context.CancelFunc
	all   sync.WaitGroup
	once  sync.Once
}

func (f *fake) note(id string) error {
	if f.spec.CleanupLog == nil {
		return nil
	}
	return f.spec.CleanupLog.Append(cluster.CleanupEntry{What: "process", ID: id, Undo: "none: it ends with this process", At: time.Now()})
}

func (f *fake) Start(_ context.Context, n topology.Node) (cluster.Process, error) {
	v := topology.TemplateVars{
		Name: n.ID, Region: n.Region, Host: f.block.Host(n.ID),
		Data: filepath.Join(f.spec.Dir, "data", string(n.ID)), Hosts: filepath.Join(f.spec.Dir, string(n.ID)+".hosts"), Shared: filepath.Join(f.spec.Dir, "shared"),
		Secret: f.spec.Secret,
	}
	args, env, err := n.Program.Render(v)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(v.Data, 0o755); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(v.Shared, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(v.Hosts, []byte(f.block.Hosts(n)), 0o644); err != nil {
		return nil, err
	}
	p := &fakeProcess{fake: f, id: n.ID, incarnation: Incarnation{Node: n, Vars: v, Args: args, Env: env}}
	p.incarnation.Log, p.incarnation.Gate = &p.log, p.gate
	return p, p.start()
}

// Close ends nodes and linkds.
func (f *fake) Close(context.Context) (err error) {
	f.once.Do(func() {
		f.end()
		f.all.Wait()
		err = f.block.Close()
	})
	return err
}

// exitOf is the exit status that an error stands for.
func exitOf(err error) int {
	var s exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &s):
		return int(s)
	default:
		return 1
	}
}
