package node_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
	"github.com/mcp-resilience/holdfast/mcp/snapshots"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// All nodes lose their disks at once: what the newest snapshot has is back, and
// what is younger is not.
func TestThePlatformIsBackFromTheObjectStoreWhenAllDisksAreLost(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "store")
	c := mcptest.Start(t, 1, "--snapshots", "file://"+folder, "--snapshot-every", "100ms")
	store, err := snapshots.Open(t.Context(), "file://"+folder)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	user := c.Client("east")
	write := func(value string) {
		t.Helper()
		id := client.NewID()
		must(t, "write "+value, func(ctx context.Context) (any, error) { return user.Write(ctx, id, "x", value) })
	}
	write("kept")
	var newest snapshots.Info
	var object []byte // its file
	c.Await("a snapshot with the write", func() bool {
		i, encoded, _, err := store.Latest(t.Context())
		if err != nil {
			return false
		}
		s := state.New()
		if err := s.Restore(io.NopCloser(bytes.NewReader(encoded))); err != nil {
			t.Fatal(err)
		}
		if x, _ := s.Read("x"); x != "kept" {
			return false
		}
		newest = i
		object, err = os.ReadFile(filepath.Join(folder, i.Key()))
		return err == nil
	})
	write("younger")

	for _, n := range c.Names() {
		c.Kill(n)
		c.Wipe(n)
	}
	// No later snapshot was stored.
	if err := os.RemoveAll(filepath.Join(folder, "snapshots")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "snapshots"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, newest.Key()), object, 0o644); err != nil {
		t.Fatal(err)
	}
	// One is back before the others begin, who find that it has a state.
	first := c.Names()[1]
	c.Run(first)
	c.Await(first+" to have the snapshot", func() bool {
		s, err := c.Status(first)
		return err == nil && s.Applied >= newest.Index
	})
	for _, n := range c.Names() {
		if n != first {
			c.Run(n)
		}
	}
	c.Leader()
	restored := 0
	for _, n := range c.Names() {
		d := c.NodeClient(n)
		got := must(t, "read through "+n, func(ctx context.Context) (*api.ReadReply, error) {
			return d.Read(ctx, &api.ReadRequest{Key: "x"})
		})
		if got.Value != "kept" {
			t.Errorf("x through %s is %q, want what the snapshot has", n, got.Value)
		}
		for _, e := range c.Events(n) {
			if e.Kind != events.Restored {
				continue
			}
			restored++
			if want := fmt.Sprint(newest.Index); e.Fields["index"] != want {
				t.Errorf("%s was restored up to %s, want %s", n, e.Fields["index"], want)
			}
		}
	}
	if restored == 0 {
		t.Error("no node reports that it took its state from the object store")
	}
	write("after")
}
