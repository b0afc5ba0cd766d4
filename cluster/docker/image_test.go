package docker

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"

	"github.com/mcp-resilience/holdfast/topology"
)

func frame(stream byte, text string) string {
	head := make([]byte, 8)
	head[0] = stream
	binary.BigEndian.PutUint32(head[4:], uint32(len(text)))
	return string(head) + text
}

func TestOutputJoinsStreams(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		err      error
	}{
		"nothing":                {"", "", nil},
		"both streams in order":  {frame(1, "one\n") + frame(2, "") + frame(2, "two\n") + frame(1, "three"), "one\ntwo\nthree", nil},
		"broken off in a frame":  {frame(1, "one\n")[:10], "on", io.ErrUnexpectedEOF},
		"broken off in its head": {frame(1, "one\n") + "\x01\x00", "one\n", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := io.ReadAll(&demux{from: io.NopCloser(strings.NewReader(c.in))})
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
		})
	}
}

func TestSurplusImages(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	old, young := now.Add(-2*time.Hour).Unix(), now.Add(-time.Minute).Unix()
	img := func(id string, created int64, tags ...string) image.Summary {
		return image.Summary{ID: id, Created: created, RepoTags: tags}
	}
	got := surplusImages([]image.Summary{
		img("a", old-4, "holdfast/x:4", "user/kept:1"), img("b", old-5), img("c", old-6, "user/x:1"),
		img("d", old, "holdfast/x:1"), img("e", old-1, "holdfast/x:2"), img("f", old-2, "holdfast/x:3"),
	}, now)
	if diff := cmp.Diff([]string{"holdfast/x:4", "b"}, got); diff != "" {
		t.Errorf("old ones (-want +got):\n%s", diff)
	}
	if got := surplusImages([]image.Summary{img("a", young), img("b", young), img("c", young), img("d", young)}, now); got != nil {
		t.Errorf("young ones: %v, want none", got)
	}
}

func TestIngressPortsKeepOffLinkdsPorts(t *testing.T) {
	top := topology.Topology{RegionSpecs: []topology.RegionSpec{{Region: "east"}, {Region: "north"}}}
	for name, c := range map[string]struct {
		port int
		want int // entries, 0 for an error
	}{
		"a port of its own": {7400, 4}, "the echo's": {7007, 0}, "the control API's": {17001, 0}, "an entry's": {17105, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ingressPorts(top, topology.Node{ID: "n", Ports: []topology.Port{{Name: "p", Number: c.port}}})
			if len(got) != c.want || (err == nil) != (c.want > 0) {
				t.Errorf("got %v, %v, want %d entries", got, err, c.want)
			}
		})
	}
}

func TestImagesAreMadeOnceHoweverManyAsk(t *testing.T) {
	if Check(t.Context()) != nil {
		t.Skip("no engine; pod_test.go says whether that may be")
	}
	binary := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(binary, []byte("contents of "+t.TempDir()+time.Now().String()), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	ids := make([]imageRef, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			var err error
			if ids[i], err = e.imageOf(t.Context(), "test-made-once", binary); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	defer func() {
		_, _ = e.api.ImageRemove(context.WithoutCancel(t.Context()), ids[0].ref, client.ImageRemoveOptions{})
	}()
	for _, id := range ids {
		if id != ids[0] || id.id == "" {
			t.Errorf("images %v, want one", ids)
		}
	}
}

func TestRootOfAnImage(t *testing.T) {
	dir := t.TempDir()
	if err := packRoot(io.Discard, dir+"/missing"); err == nil {
		t.Error("packed a missing program")
	}
	if err := os.WriteFile(dir+"/p", []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := errors.Join(packRoot(&a, dir+"/p"), packRoot(&b, dir+"/p")); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) || a.Len() == 0 {
		t.Error("equal programs make different roots")
	}
}

// Images of every program are pruned, not only of the one that was made last,
// and each program keeps its own newest three.
func TestImagesArePrunedPerProgram(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	old := now.Add(-2 * time.Hour).Unix()
	var all []image.Summary
	for i, tag := range []string{"mcpd:1", "linkd:1", "mcpd:2", "linkd:2", "mcpd:3", "mcpd:4", "linkd:3", "mcpd:5"} {
		program, _, _ := strings.Cut(tag, ":")
		all = append(all, image.Summary{
			ID: tag, Created: old - int64(i), RepoTags: []string{"holdfast/" + tag}, Labels: map[string]string{LabelImage: program},
		})
	}
	if diff := cmp.Diff([]string{"holdfast/mcpd:4", "holdfast/mcpd:5"}, surplusByProgram(all, now)); diff != "" {
		t.Errorf("surplus (-want +got):\n%s", diff)
	}
}
