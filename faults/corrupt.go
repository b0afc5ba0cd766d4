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

	done *changes // what was changed, for the proof
}

// The kinds of damage.
const (
	torn = "torn"
	flip = "flip"
)

// fromEnd is how far before the end of a file's data it is damaged: within the
// last record of any log, and before what closes a record (a length, a checksum).
const fromEnd = 24

// changes is what was changed on each victim.
type changes struct {
	mu sync.Mutex
	of map[topology.NodeID]wound
}

// wound is one damaged file.
type wound struct {
	file string
	at   int // offset of the first byte that differs
	want byte
	says string
}

// Equal compares settings, for tests; what was done with them is no part of them.
func (c *Corrupt) Equal(d *Corrupt) bool { return c.Kind == d.Kind && c.Files == d.Files }

// Validate implements Validator.
func (c *Corrupt) Validate() error {
	if _, err := path.Match(c.Files, ""); err != nil {
		return InvalidField{Field: "files", Says: fmt.Sprintf("%q is no pattern, such as *.wal", c.Files)}
	}
	return oneOf("kind", c.Kind, torn, flip)
}

// Requires implements Requirer.
func (c *Corrupt) Requires(p cluster.Process) error {
	_, err := cluster.DiskOf(p)
	return err
}

// Inject implements Fault.
func (c *Corrupt) Inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	if c.done == nil {
		c.done = &changes{of: map[topology.NodeID]wound{}}
	}
	return all(ctx, v, func(ctx context.Context, n topology.Node) (func(context.Context) error, error) {
		release, err := v.Cluster.Hold(ctx, n.ID, cluster.Exited, cluster.Kill)
		if err != nil {
			return nil, err
		}
		w, err := c.damage(ctx, v, n)
		if err != nil {
			return release, fmt.Errorf("damage the disk of %s: %w", n.ID, err)
		}
		c.done.mu.Lock()
		defer c.done.mu.Unlock()
		c.done.of[n.ID] = w
		return release, nil
	})
}

// damage changes the newest file that matches and has data in it.
func (c *Corrupt) damage(ctx context.Context, v Victims, n topology.Node) (wound, error) {
	disk, err := cluster.DiskOf(v.Cluster.Process(n.ID))
	if err != nil {
		return wound{}, err
	}
	files, err := disk.Files(ctx)
	if err != nil {
		return wound{}, err
	}
	pattern := cmp.Or(c.Files, "*.wal")
	files = slices.DeleteFunc(files, func(f cluster.File) bool {
		name, _ := path.Match(pattern, path.Base(f.Path))
		whole, _ := path.Match(pattern, f.Path)
		return !name && !whole
	})
	slices.SortFunc(files, func(a, b cluster.File) int {
		return cmp.Or(b.Modified.Compare(a.Modified), cmp.Compare(b.Path, a.Path))
	})
	for _, f := range files {
		var w wound
		err := disk.Edit(ctx, f.Path, func(b []byte) (_ []byte, err error) {
			b, w, err = c.wound(b, v.Seed)
			return b, err
		})
		if errors.Is(err, errEmpty) {
			continue
		}
		w.file = f.Path
		return w, err
	}
	return wound{}, fmt.Errorf("no file that matches %s has data in it", pattern)
}

var errEmpty = errors.New("the file is empty")

// wound damages a file's content. Zeros at its end are room that was set aside,
// and stay: what a disk lost there reads as zeros, too.
func (c *Corrupt) wound(b []byte, seed uint64) ([]byte, wound, error) {
	end := len(b)
	for end > 0 && b[end-1] == 0 {
		end--
	}
	if end == 0 {
		return nil, wound{}, errEmpty
	}
	w := wound{at: end - min(fromEnd, (end+1)/2)}
	if c.Kind == flip {
		bit := seed % 8
		was := b[w.at]
		w.want = was ^ 1<<bit
		b[w.at] = w.want
		w.says = fmt.Sprintf("bit %d of byte %d turned, %#02x to %#02x", bit, w.at, was, w.want)
		return b, w, nil
	}
	for b[w.at] == 0 { // so that it differs
		w.at++
	}
	w.says = fmt.Sprintf("torn off from byte %d of %d on", w.at, end)
	if end == len(b) {
		return b[:w.at], w, nil
	}
	clear(b[w.at:end])
	return b, w, nil
}

// FaultImpact implements Fault.
func (c *Corrupt) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (c *Corrupt) Describe(v Victims) string {
	what := map[string]string{torn: "tear off the end of", flip: "flip a bit at the end of"}[c.Kind]
	return fmt.Sprintf("kill %s and %s the newest %s", names(v.Cluster.Topology, v.Nodes), what, cmp.Or(c.Files, "*.wal"))
}

// Active implements Prover: every victim has exited, and its file is on disk as
// it was changed.
func (c *Corrupt) Active(ctx context.Context, v Victims) (string, error) {
	if _, err := are(ctx, v, v.Nodes, cluster.Exited); err != nil {
		return "", err
	}
	saws := make([]string, len(v.Nodes))
	err := each(v.Nodes, func(i int, n topology.Node) (err error) {
		saws[i], err = c.changed(ctx, v, n)
		return err
	})
	return few(saws), err
}

func (c *Corrupt) changed(ctx context.Context, v Victims, n topology.Node) (string, error) {
	if c.done == nil {
		return "", errors.New("nothing was changed")
	}
	c.done.mu.Lock()
	w, ok := c.done.of[n.ID]
	c.done.mu.Unlock()
	if !ok {
		return "", fmt.Errorf("nothing was changed on %s", n.ID)
	}
	disk, err := cluster.DiskOf(v.Cluster.Process(n.ID))
	if err != nil {
		return "", err
	}
	err = disk.Edit(ctx, w.file, func(b []byte) ([]byte, error) {
		if c.Kind == torn && len(b) == w.at {
			return b, nil
		}
		if len(b) <= w.at || b[w.at] != w.want {
			return nil, fmt.Errorf("byte %d is not as it was made", w.at)
		}
		return b, nil
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", n.ID, err)
	}
	return fmt.Sprintf("%s is exited, its %s is %s", n.ID, w.file, w.says), nil
}

// Cleared implements Prover: every victim runs. Whether it may, with what is left
// to it, is the system's business and its promises'.
func (c *Corrupt) Cleared(ctx context.Context, v Victims) (string, error) {
	return are(ctx, v, v.Nodes, cluster.Running)
}

// ControlUnaffected implements Prover: an untouched node runs.
func (c *Corrupt) ControlUnaffected(ctx context.Context, v Victims) (string, error) {
	return running(ctx, v)
}
