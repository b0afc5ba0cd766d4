package clustertest

import (
	"context"
	"errors"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
)

var _ cluster.Disk = (*fakeProcess)(nil)

// Files implements cluster.Disk.
func (p *fakeProcess) Files(ctx context.Context) (files []cluster.File, err error) {
	err = p.onDisk(func(d cluster.Disk) (err error) { files, err = d.Files(ctx); return err })
	return files, err
}

// Edit implements cluster.Disk.
func (p *fakeProcess) Edit(ctx context.Context, path string, edit func([]byte) ([]byte, error)) error {
	return p.onDisk(func(d cluster.Disk) error { return d.Edit(ctx, path, edit) })
}

// Wipe implements cluster.Disk.
func (p *fakeProcess) Wipe(ctx context.Context) error {
	return p.onDisk(func(d cluster.Disk) error { return d.Wipe(ctx) })
}

func (p *fakeProcess) onDisk(do func(cluster.Disk) error) error {
	p.mu.Lock()
	exited := p.state.State == cluster.Exited
	p.mu.Unlock()
	err := errors.New("it has not exited")
	if exited {
		err = do(cluster.DirDisk(p.incarnation.Vars.Data))
	}
	if err != nil {
		return fmt.Errorf("data of %s: %w", p.id, err)
	}
	return nil
}
