package topology

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
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
	// made from the built program. The local runtime needs Package or Command.
	Image string `json:"image,omitempty"`
	// Command is a program that is not built. The local runtime finds it in PATH or by its
	// absolute path on this machine; a container of Image finds it in the image, and where
	// it is empty the image's entrypoint takes Args.
	Command string `json:"command,omitempty"`
	// Args are the program's arguments.
	Args []string          `json:"args,omitempty"`
	Env  map[string]string `json:"env,omitempty"`
	// Files are written into the folder TemplateVars.Config before the first start, by
	// their path in it. They are templates as Args are, survive restarts, and are
	// not part of the node's data: a wiped disk leaves them.
	Files map[string]string `json:"files,omitempty"`
	// HostsFlag is the flag by which the program takes a hosts(5) file that it
	// consults before the system's resolver. Empty means that it needs a real
	// /etc/hosts, which only the container runtime can give.
	HostsFlag string `json:"hostsFlag,omitempty"`
	// Grace is how long a graceful stop may take; zero means 10 s.
	Grace time.Duration `json:"grace,omitempty"`
	// Container is what a container of an image needs beyond what one of ours does.
	// The local runtime has no use for it.
	Container Container `json:"container,omitzero"`
}

// Container is what an image made by others may need. The zero value is a container
// as confined as those of programs that we build: no capabilities, a root that cannot
// be written, 1 GiB of memory.
type Container struct {
	// Entrypoint replaces the image's own.
	Entrypoint []string `json:"entrypoint,omitempty"`
	// User is the name or number of the user that runs the program, and may have a group
	// behind a colon; empty means the image's own.
	User string `json:"user,omitempty"`
	// WritableRoot lets the program write to its root file system.
	WritableRoot bool `json:"writableRoot,omitempty"`
	// Capabilities are added to none, for example CHOWN, SETUID and SETGID for a
	// program that begins as root and gives that up.
	Capabilities []string `json:"capabilities,omitempty"`
	// Memory is a limit in bytes; 0 means 1 GiB.
	Memory int64 `json:"memory,omitempty"`
	// Tmpfs are folders in memory that the program may write to, besides /tmp.
	Tmpfs []string `json:"tmpfs,omitempty"`
}

// TemplateVars is what templates in Program.Args, Program.Env and Program.Files may use.
type TemplateVars struct {
	Name   NodeID // the node's name, resolvable by its peers
	Region Region
	Host   string // the node's own address, to be bound instead of a wildcard
	Data   string // an existing, writable folder that survives restarts
	Config string // an existing, writable folder that holds Program.Files
	Hosts  string // path of the hosts file; empty where the system resolves names
	Shared string // a writable folder that all nodes of the run see, as they would an object store
	// Secret is a random string of this run, the same for every node, for systems
	// whose nodes authenticate each other; it is never recorded. Give it to a
	// program by its environment: arguments are seen by everyone on a machine.
	Secret string
	// Peers is where each node, this one too, is reached from here: a name where the system
	// resolves it, and an address where it does not.
	Peers map[NodeID]string

	anyPeer bool // every name is a peer: the topology is not known yet
}

// Peer is where a node is reached from here, for templates: {{.Peer "east-1"}}. It is
// for programs that can read no hosts file; in containers it is the name itself.
func (v TemplateVars) Peer(id NodeID) (string, error) {
	at, ok := v.Peers[id]
	if !ok && !v.anyPeer {
		return "", fmt.Errorf("there is no node %s; there are %v", id, slices.Sorted(maps.Keys(v.Peers)))
	}
	return at, nil
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

// Check returns an error that quotes a template of the program that does not parse or
// that names an unknown variable. Templates that depend on the topology, such as
// {{.Peer "east-1"}}, are checked when they are rendered.
func (p Program) Check() error {
	texts := append(slices.Collect(maps.Values(p.Env)), slices.Collect(maps.Values(p.Files))...)
	for _, text := range append(texts, p.Args...) {
		t, err := template.New("").Parse(text)
		if err != nil {
			return fmt.Errorf("template %q: %w", text, err)
		}
		if err := t.Execute(io.Discard, TemplateVars{anyPeer: true}); err != nil {
			return fmt.Errorf("template %q: %w", text, err)
		}
	}
	return nil
}

// RenderFiles fills in the templates of the program's files.
func (p Program) RenderFiles(v TemplateVars) (map[string][]byte, error) {
	out := map[string][]byte{}
	for path, text := range p.Files {
		if !filepath.IsLocal(path) {
			return nil, fmt.Errorf("file %q of %s: want a path in the configuration folder, without .. and without a leading slash", path, v.Name)
		}
		s, err := render(text, v)
		if err != nil {
			return nil, fmt.Errorf("file %s of %s: %w", path, v.Name, err)
		}
		out[path] = []byte(s)
	}
	return out, nil
}

// UsesSharedDir reports whether the program uses the folder TemplateVars.Shared.
func (p Program) UsesSharedDir() bool { return p.uses(".Shared") }

// UsesPeers reports whether the program is told where its peers are, so that it needs
// no hosts file.
func (p Program) UsesPeers() bool { return p.uses(".Peer") }

// uses says whether a template of the program names a variable.
func (p Program) uses(variable string) bool {
	names := func(s string) bool { return strings.Contains(s, variable) }
	return slices.ContainsFunc(p.Args, names) || slices.ContainsFunc(slices.Collect(maps.Values(p.Env)), names) ||
		slices.ContainsFunc(slices.Collect(maps.Values(p.Files)), names)
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
