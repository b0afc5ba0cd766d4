package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/moby/client"

	"github.com/mcp-resilience/holdfast/cluster"
)

var _ cluster.Disk = (*process)(nil)

// Files implements cluster.Disk. The engine gives a folder as an archive, so
// it costs a read of all data; times are to the second.
func (p *process) Files(ctx context.Context) (files []cluster.File, err error) {
	err = p.onDisk(ctx, func() error {
		return p.eachFile(ctx, dataDir, func(h *tar.Header, _ io.Reader) error {
			// Names in it begin with that of the folder: "data/".
			_, rel, _ := strings.Cut(path.Clean(h.Name), "/")
			files = append(files, cluster.File{Path: rel, Size: h.Size, Modified: h.ModTime})
			return nil
		})
	})
	slices.SortFunc(files, func(a, b cluster.File) int { return strings.Compare(a.Path, b.Path) })
	return files, err
}

// Edit implements cluster.Disk.
func (p *process) Edit(ctx context.Context, file string, edit func([]byte) ([]byte, error)) error {
	return p.onDisk(ctx, func() error {
		if err := p.edit(ctx, file, edit); err != nil {
			return fmt.Errorf("edit %s: %w", file, err)
		}
		return nil
	})
}

func (p *process) edit(ctx context.Context, file string, edit func([]byte) ([]byte, error)) error {
	if !filepath.IsLocal(file) {
		return errors.New("it is not in the data folder")
	}
	at := path.Join(dataDir, file)
	var head *tar.Header
	var was []byte
	if err := p.eachFile(ctx, at, func(h *tar.Header, r io.Reader) (err error) {
		head = h
		was, err = io.ReadAll(r)
		return err
	}); err != nil {
		return err
	}
	if head == nil {
		return errors.New("it is not a file")
	}
	is, err := edit(bytes.Clone(was))
	if err != nil || bytes.Equal(was, is) {
		return err
	}
	// The header that came out goes in again, with its owner and mode.
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	head.Size = int64(len(is))
	if err := w.WriteHeader(head); err != nil {
		return err
	}
	if _, err := w.Write(is); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err = p.api.CopyToContainer(ctx, p.id, client.CopyToContainerOptions{
		DestinationPath: path.Dir(at), Content: &archive,
	})
	return err
}

// eachFile reads the regular files of a path in the container.
func (p *process) eachFile(ctx context.Context, at string, f func(*tar.Header, io.Reader) error) error {
	got, err := p.api.CopyFromContainer(ctx, p.id, client.CopyFromContainerOptions{SourcePath: at})
	if err != nil {
		return err
	}
	defer got.Content.Close()
	for r := tar.NewReader(got.Content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && h.Typeflag == tar.TypeReg {
			err = f(h, r)
		}
		if err != nil {
			return err
		}
	}
}

// Wipe implements cluster.Disk. The engine's API removes nothing in a volume,
// so a container of linkd does that, which for a moment mounts it too.
func (p *process) Wipe(ctx context.Context) error {
	return p.onDisk(ctx, func() error {
		if err := p.runtime.wipeVolume(ctx, p); err != nil {
			return fmt.Errorf("wipe: %w", err)
		}
		return nil
	})
}

// onDisk does something to the data of a container that has exited.
func (p *process) onDisk(ctx context.Context, do func() error) error {
	s, err := p.Status(ctx)
	if err != nil {
		return err
	}
	if s.State == cluster.Exited {
		err = do()
	} else {
		err = fmt.Errorf("it has not exited, it is %s", s.State)
	}
	if err != nil {
		return fmt.Errorf("data of %s: %w", p.node, err)
	}
	return nil
}
