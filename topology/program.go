package topology

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"
)

// Program is how a node is started. Args and Env values are text/template
// strings, rendered with TemplateVars once the node's addresses are known.
type Program struct {
	// Package is the Go main package built (statically) for the node, for
	// example "github.com/mcp-resilience/holdfast/cmd/mcpd".
	Package string `json:"package,omitempty"`
	// Module is the folder, relative to holdfast's root, of the nested module
	// that Package is built in; empty means holdfast's own module.
	Module string `json:"module,omitempty"`
	// Image names a container image to use as it is; empty means that one is
	// made from the built program. The local runtime needs Package.
	Image string            `json:"image,omitempty"`
	Args  []string          `json:"args,omitempty"`
	Env   map[string]string `json:"env,omitempty"`
	// HostsFlag is the flag by which the program takes a hosts(5) file that it
	// consults before the system's resolver. Empty means that it needs a real
	// /etc/hosts, which only the container runtime can give.
	HostsFlag string `json:"hostsFlag,omitempty"`
	// Grace is how long a graceful stop may take; zero means 10 s.
	Grace time.Duration `json:"grace,omitempty"`
}

// TemplateVars is what templates in Program.Args and Program.Env may use.
type TemplateVars struct {
	Name   NodeID // the node's name, resolvable by its peers
	Region Region
	Host   string // the node's own address, to be bound instead of a wildcard
	Data   string // an existing, writable folder that survives restarts
	Hosts  string // path of the hosts file; empty where the system resolves names
	Shared string // a writable folder that all nodes of the run see, as they would an object store
	// Secret is a random string of this run, the same for every node, for systems
	// whose nodes authenticate each other; it is never recorded. Give it to a
	// program by its environment: arguments are seen by everyone on a machine.
	Secret string
}

// Render fills in the program's templates and returns its arguments and its
// environment as sorted NAME=value. The error quotes a template that does not
// parse or that names an unknown variable.
func (p Program) Render(v TemplateVars) (args, env []string, err error) {
	for _, a := range p.Args {
		s, err := render(a, v)
		if err != nil {
			return nil, nil, fmt.Errorf("argument %q of %s: %w", a, v.Name, err)
		}
		args = append(args, s)
	}
	for k, a := range p.Env {
		s, err := render(a, v)
		if err != nil {
			return nil, nil, fmt.Errorf("environment %s=%q of %s: %w", k, a, v.Name, err)
		}
		env = append(env, k+"="+s)
	}
	slices.Sort(env)
	return args, env, nil
}

// UsesSharedDir reports whether the program uses the folder TemplateVars.Shared.
func (p Program) UsesSharedDir() bool {
	uses := func(s string) bool { return strings.Contains(s, ".Shared") }
	return slices.ContainsFunc(p.Args, uses) || slices.ContainsFunc(slices.Collect(maps.Values(p.Env)), uses)
}

func render(text string, v TemplateVars) (string, error) {
	t, err := template.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, v); err != nil {
		return "", err
	}
	return b.String(), nil
}
