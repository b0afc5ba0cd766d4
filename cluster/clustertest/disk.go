package clustertest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// disk looks at what a node has left, changes it and takes it away.
func disk(t *testing.T, c *cluster.Cluster) {
	const node = "north-1"
	d, err := cluster.DiskOf(c.Process(node))
	if err != nil {
		t.Fatal(err)
	}
	for {
		if said, err := ask(t.Context(), c, "south", node, "add"); err != nil || said == "9" {
			break
		}
	}
	running(t, d)

	down(t, c, node)
	before := files(t, d)
	if len(before) == 0 {
		t.Fatal("a node that counted has no files")
	}
	edited(t, d)
	if after := files(t, d); after["count"] != 2 || after["lives"] != before["lives"] {
		t.Errorf("files: first %v, after the edit of one %v", before, after)
	}
	restart(t, c, node)
	mustAsk(t, c, "south", node, "get", "41")

	// The other disks are other disks.
	other, err := cluster.DiskOf(c.Process("east-1"))
	if err != nil {
		t.Fatal(err)
	}
	down(t, c, "east-1")
	theirs := files(t, other)
	down(t, c, node)
	if err := d.Wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := files(t, d); len(left) > 0 {
		t.Errorf("left after a wipe: %v", left)
	}
	if diff := cmp.Diff(theirs, files(t, other)); diff != "" {
		t.Errorf("another node's files, after a wipe (-before +after):\n%s", diff)
	}
	restart(t, c, "east-1")
	restart(t, c, node)
	mustAsk(t, c, "south", node, "who", node+" 1") // its first life
	mustAsk(t, c, "south", node, "add", "1")
}

// running wants the disk of a running node to be out of reach.
func running(t *testing.T, d cluster.Disk) {
	t.Helper()
	_, listed := d.Files(t.Context())
	for what, err := range map[string]error{
		"files": listed,
		"wipe":  d.Wipe(t.Context()),
		"edit":  d.Edit(t.Context(), "count", func([]byte) ([]byte, error) { return nil, errors.New("reached") }),
	} {
		if err == nil || !strings.Contains(err.Error(), "not exited") {
			t.Errorf("%s of a running node: %v", what, err)
		}
	}
}

// edited changes a file to "41", and another not at all.
func edited(t *testing.T, d cluster.Disk) {
	t.Helper()
	refused := errors.New("refused")
	for what, c := range map[string]struct {
		path string
		edit func([]byte) ([]byte, error)
		want func(error) bool
	}{
		"refused by the editor": {"count", func([]byte) ([]byte, error) { return nil, refused }, func(err error) bool { return errors.Is(err, refused) }},
		"no change":             {"count", func(b []byte) ([]byte, error) { return b, nil }, func(err error) bool { return err == nil }},
		"no such file":          {"nothing", func(b []byte) ([]byte, error) { return append(b, 1), nil }, func(err error) bool { return err != nil }},
		"out of the folder":     {"../count", func(b []byte) ([]byte, error) { return append(b, 1), nil }, func(err error) bool { return err != nil }},
	} {
		if err := d.Edit(t.Context(), c.path, c.edit); !c.want(err) {
			t.Errorf("edit, %s: %v", what, err)
		}
	}
	err := d.Edit(t.Context(), "count", func(b []byte) ([]byte, error) {
		if !bytes.Equal(b, []byte("9")) {
			t.Errorf("content before the edit: %q, want 9", b)
		}
		return []byte("41"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func down(t *testing.T, c *cluster.Cluster, node topology.NodeID) {
	t.Helper()
	signal(t, c, node, cluster.Kill)
	become(t, c, node, cluster.Exited)
}

// files is the size of each file.
func files(t *testing.T, d cluster.Disk) map[string]int64 {
	t.Helper()
	all, err := d.Files(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	for _, f := range all {
		out[f.Path] = f.Size
	}
	return out
}
