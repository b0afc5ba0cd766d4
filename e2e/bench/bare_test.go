package bench

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/cleanup"
	"github.com/mcp-resilience/holdfast/cluster/docker"
)

// bare starts containers that do nothing, with nothing of ours around them but
// the labels by which they are removed.
type bare struct {
	api   client.APIClient
	image string
	runs  int
}

// newBare makes the image, from scratch and one static binary.
func newBare(b *testing.B) *bare {
	b.Helper()
	api, err := client.New(client.FromEnv)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = api.Close() })
	bin, err := build.Builder("linux").Build(b.Context(), idle)
	if err != nil {
		b.Fatal(err)
	}
	program, err := os.ReadFile(bin)
	if err != nil {
		b.Fatal(err)
	}
	var root bytes.Buffer
	t := tar.NewWriter(&root)
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "idle", Mode: 0o755, Size: int64(len(program))}); err != nil {
		b.Fatal(err)
	}
	if _, err := t.Write(program); err != nil {
		b.Fatal(err)
	}
	if err := t.Close(); err != nil {
		b.Fatal(err)
	}
	c := &bare{api: api, image: "holdfast/idle:bench"}
	said, err := api.ImageImport(b.Context(), client.ImageImportSource{Source: &root, SourceName: "-"}, "holdfast/idle",
		client.ImageImportOptions{Tag: "bench", Changes: []string{`ENTRYPOINT ["/idle"]`, "LABEL " + docker.LabelImage + "=idle"}})
	if err != nil {
		b.Fatal(err)
	}
	defer said.Close()
	if _, err := io.Copy(io.Discard, said); err != nil { // the engine is done when it has said all
		b.Fatal(err)
	}
	return c
}

// start starts n containers in parallel, removes them, and returns how long
// it took until the last was started.
func (c *bare) start(b *testing.B, n int) time.Duration {
	b.Helper()
	c.runs++
	run := fmt.Sprintf("bench-%d-%d", os.Getpid(), c.runs)
	defer func() {
		if _, err := docker.Sweep(context.WithoutCancel(b.Context()), run); err != nil {
			b.Error(err)
		}
	}()
	began := time.Now()
	g, ctx := errgroup.WithContext(b.Context())
	for i := range n {
		g.Go(func() error {
			made, err := c.api.ContainerCreate(ctx, client.ContainerCreateOptions{
				Name: fmt.Sprintf("holdfast-%s-%d", run, i),
				Config: &container.Config{
					Image:  c.image,
					Labels: map[string]string{docker.LabelRun: run, docker.LabelOwner: cleanup.Self().String()},
				},
			})
			if err != nil {
				return err
			}
			_, err = c.api.ContainerStart(ctx, made.ID, client.ContainerStartOptions{})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}
