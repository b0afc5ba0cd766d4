package faults

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"sync"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Corrupt ends the victims at once (SIGKILL), damages a file of each while they
// are down, and starts them again at heal: a disk that has lost or changed what
// was on it.
type Corrupt struct {
	// Kind is what is done to the file: "torn" takes its end away, from the midst
	// of the last record on, as a write that was broken off; "flip" turns one bit
	// there. It must be given.
	Kind string `json:"kind" yaml:"kind"`
	// Files is a pattern (as of path.Match) that the file's name or its path in
	// the data folder matches; of several files it is the newest with data in it.
	// Empty means "*.wal".
	Files string `json:"files,omitempty" yaml:"files,omitempty"`
}

// The kinds of corruption.
const (
	torn = "torn"
	flip = "flip"
)

// Validate implements Validator.
func (c *Corrupt) Validate() error {
	if _, err := path.Match(c.Files, ""); err != nil {
		return InvalidField{Field: "files", Message: fmt.Sprintf("%q is not a pattern such as *.wal", c.Files)}
	}
	return oneOf("kind", c.Kind, torn, flip)
}

// Requires implements CapabilityChecker: files can be changed.
func (c *Corrupt) Requires(p cluster.Process) error {
	_, err := cluster.DiskOf(p)
	return err
}

// Prepare implements Fault.
func (c *Corrupt) Prepare(v Victims) Injection {
	return &corruptInjection{
		processInjection: processInjection{victims: v, state: cluster.Exited, signal: cluster.Kill},
		settings:         *c, done: map[topology.NodeID]corruption{},
	}
}

// Impact implements Fault.
func (c *Corrupt) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (c *Corrupt) Describe(v Victims) string {
	what := map[string]string{torn: "tear off the end of", flip: "flip a bit at the end of"}[c.Kind]
	return fmt.Sprintf("kill %s and %s the newest %s", names(v.Cluster.Topology, v.Nodes), what, c.pattern())
}

func (c *Corrupt) pattern() string { return cmp.Or(c.Files, "*.wal") }

type corruptInjection struct {
	processInjection
	settings Corrupt

	mu   sync.Mutex
	done map[topology.NodeID]corruption // what was changed, for the proof
}

// Inject implements Injection.
func (c *corruptInjection) Inject(ctx context.Context) error {
	return c.injectAnd(ctx, func(ctx context.Context, n topology.Node) error {
		done, err := c.corrupt(ctx, n)
		if err != nil {
			return fmt.Errorf("corrupt the disk of %s: %w", n.ID, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.done[n.ID] = done
		return nil
	})
}

// corrupt changes the newest file that matches and has data in it.
func (c *corruptInjection) corrupt(ctx context.Context, n topology.Node) (corruption, error) {
	disk, err := cluster.DiskOf(c.victims.Cluster.Process(n.ID))
	if err != nil {
		return corruption{}, err
	}
	files, err := disk.Files(ctx)
	if err != nil {
		return corruption{}, err
	}
	pattern := c.settings.pattern()
	files = slices.DeleteFunc(files, func(f cluster.File) bool {
		name, _ := path.Match(pattern, path.Base(f.Path))
		whole, _ := path.Match(pattern, f.Path)
		return !name && !whole
	})
	slices.SortFunc(files, func(a, b cluster.File) int {
		return cmp.Or(b.Modified.Compare(a.Modified), cmp.Compare(b.Path, a.Path))
	})
	for _, f := range files {
		var done corruption
		err := disk.Edit(ctx, f.Path, func(b []byte) (_ []byte, err error) {
			b, done, err = corruptData(b, c.settings.Kind, c.victims.Seed)
			return b, err
		})
		if errors.Is(err, errEmpty) {
			continue
		}
		done.file = f.Path
		return done, err
	}
	return corruption{}, fmt.Errorf("no file that matches %s has data in it", pattern)
}

// Active implements Verifier: every victim has exited, and its file is on disk
// as it was changed.
func (c *corruptInjection) Active(ctx context.Context) (string, error) {
	if _, err := c.processInjection.Active(ctx); err != nil {
		return "", err
	}
	observed := make([]string, len(c.victims.Nodes))
	err := forAll(c.victims.Nodes, func(i int, n topology.Node) (err error) {
		observed[i], err = c.stillCorrupt(ctx, n)
		return err
	})
	return summarize(observed), err
}

func (c *corruptInjection) stillCorrupt(ctx context.Context, n topology.Node) (string, error) {
	c.mu.Lock()
	done, ok := c.done[n.ID]
	c.mu.Unlock()
	if !ok {
		return "", fmt.Errorf("no file of %s was changed", n.ID)
	}
	disk, err := cluster.DiskOf(c.victims.Cluster.Process(n.ID))
	if err != nil {
		return "", err
	}
	err = disk.Edit(ctx, done.file, func(b []byte) ([]byte, error) { return b, done.check(b, c.settings.Kind) })
	if err != nil {
		return "", fmt.Errorf("%s: %w", n.ID, err)
	}
	return fmt.Sprintf("%s is exited, its %s is %s", n.ID, done.file, done.description), nil
}
