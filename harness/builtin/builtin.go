// Package builtin lists the targets and runtimes that come with holdfast, each in one
// literal, and finds them by name. The command line and the faces for tests share it. The
// engine must not import it, because it links every target and the container engine's libraries.
package builtin

import (
	"fmt"
	"strings"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/etcd"
	"github.com/mcp-resilience/holdfast/targets/mcp"
)

// Targets lists the systems that can be drilled.
func Targets() []targets.Target {
	return []targets.Target{
		mcp.Target{},
		etcd.Target{},
	}
}

// Runtimes lists where their nodes can run, the one to be preferred first.
func Runtimes() []cluster.Driver {
	return []cluster.Driver{
		docker.Driver(),
		local.Driver(),
	}
}

// NotFound is the error of a name that nothing in stock has.
type NotFound struct {
	What  string // "target", "runtime"
	Name  string
	Known []string
}

func (e NotFound) Error() string {
	s := fmt.Sprintf("there is no %s %q; there are %s", e.What, e.Name, strings.Join(e.Known, ", "))
	if n := suggest.Closest(e.Name, e.Known); n != "" {
		s += fmt.Sprintf("; did you mean %q?", n)
	}
	return s
}

// Target returns the target of that name, the caller's own before the stock's.
func Target(name string, own ...targets.Target) (targets.Target, error) {
	var known []string
	for _, t := range append(own, Targets()...) {
		if t.Name() == name {
			return t, nil
		}
		known = append(known, t.Name())
	}
	return nil, NotFound{"target", name, known}
}
