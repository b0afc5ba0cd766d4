package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/moby/moby/client"
)

// configDir is the folder of a node's files. It is a volume of its own, so that it
// survives restarts and a wipe of the data.
const configDir = "/config"

// The program of an image made by others may run as any user, and some programs write to
// their configuration.
const (
	openFolder = 0o777
	openFile   = 0o666
)

// fill writes files into a folder of a container that has been made and not started.
func (r *Runtime) fill(ctx context.Context, id, folder string, files map[string][]byte) error {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	entries := map[string][]byte{}
	for name, content := range files {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			entries[dir+"/"] = nil
		}
		entries[name] = content
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		head := &tar.Header{Name: name, Mode: openFile, Size: int64(len(entries[name])), Typeflag: tar.TypeReg}
		if name[len(name)-1] == '/' {
			head.Mode, head.Typeflag = openFolder, tar.TypeDir
		}
		if err := w.WriteHeader(head); err != nil {
			return err
		}
		if _, err := w.Write(entries[name]); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	if _, err := r.engine.api.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: folder, Content: &archive}); err != nil {
		return fmt.Errorf("write into %s: %w", folder, err)
	}
	return nil
}
