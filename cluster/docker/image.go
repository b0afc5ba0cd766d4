package docker

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/mcp-resilience/holdfast/topology"
)

// entrypoint is where an image of ours holds its program.
const entrypoint = "/bin/node"

// imageLayout is part of each image's hash. It changes when what we put around a
// program changes, so that images of an older layout are not used.
const imageLayout = "1"

// imageRef is an image that is present in the engine.
type imageRef struct {
	ref string
	id  string
}

// importLock lets one goroutine at a time make an image, so that runs that start
// together in one process make each once. Two processes may both make it: the
// tag then names the later one, whose contents are the same.
var importLock sync.Mutex

// imageOf makes sure that the image of a static binary exists. Its tag is the
// hash of its contents.
func (e *engine) imageOf(ctx context.Context, name, binary string) (imageRef, error) {
	hash, err := contentHash(binary)
	if err != nil {
		return imageRef{}, fmt.Errorf("image of %s: %w", name, err)
	}
	ref := "holdfast/" + name + ":" + hash
	if img, err := e.find(ctx, ref); err == nil || !errdefs.IsNotFound(err) {
		return img, err
	}
	importLock.Lock()
	defer importLock.Unlock()
	if img, err := e.find(ctx, ref); err == nil {
		return img, nil
	}
	if err := e.importRoot(ctx, name, hash, binary); err != nil {
		return imageRef{}, fmt.Errorf("make image %s from %s: %w", ref, binary, err)
	}
	_, _ = e.pruneImages(ctx) // all that a failure costs is disk
	return e.find(ctx, ref)
}

// named makes sure that an image that the user named exists, pulling it if it does not.
func (e *engine) named(ctx context.Context, ref string) (imageRef, error) {
	img, err := e.find(ctx, ref)
	if err == nil || !errdefs.IsNotFound(err) {
		return img, err
	}
	pull, err := e.api.ImagePull(ctx, ref, client.ImagePullOptions{})
	if err == nil {
		err = readProgress(pull)
	}
	if err != nil {
		return imageRef{}, fmt.Errorf("image %s is not here and cannot be pulled: %w", ref, err)
	}
	return e.find(ctx, ref)
}

func (e *engine) find(ctx context.Context, ref string) (imageRef, error) {
	got, err := e.api.ImageInspect(ctx, ref)
	if err != nil {
		return imageRef{}, fmt.Errorf("inspect image %s: %w", ref, err)
	}
	return imageRef{ref: ref, id: got.ID}, nil
}

// importRoot makes an image of one layer out of a root folder that is packed
// while the engine reads it. An import needs neither a builder nor a registry.
func (e *engine) importRoot(ctx context.Context, name, tag, binary string) error {
	r, w := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := packRoot(w, binary)
		w.CloseWithError(err)
		packed <- err
	}()
	body, err := e.api.ImageImport(ctx, client.ImageImportSource{Source: r, SourceName: "-"}, "holdfast/"+name,
		client.ImageImportOptions{Tag: tag, Changes: []string{
			`ENTRYPOINT ["` + entrypoint + `"]`,
			"LABEL " + LabelImage + "=" + name,
		}})
	if err == nil {
		err = readProgress(body)
	}
	r.CloseWithError(errors.New("the engine stopped reading"))
	return errors.Join(err, <-packed)
}

// readProgress reads an engine's progress messages to the end. Errors are among them.
func readProgress(body io.ReadCloser) error {
	defer body.Close()
	for d := json.NewDecoder(body); ; {
		var m struct {
			Error string `json:"error"`
		}
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if m.Error != "" {
			return errors.New(m.Error)
		}
	}
}

func contentHash(binary string) (string, error) {
	f, err := os.Open(binary)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, _ = io.WriteString(h, imageLayout)
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:12], nil
}

// programName is the image's name for a program.
func programName(p topology.Program) string { return path.Base(p.Package) }
