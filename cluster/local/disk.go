package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
)

var _ cluster.Disk = (*process)(nil)

// Files implements cluster.Disk.
func (p *process) Files(ctx context.Context) (files []cluster.File, err error) {
	err = p.onDisk(func(d cluster.Disk) (err error) { files, err = d.Files(ctx); return err })
	return files, err
}

// Edit implements cluster.Disk.
func (p *process) Edit(ctx context.Context, path string, edit func([]byte) ([]byte, error)) error {
	return p.onDisk(func(d cluster.Disk) error { return d.Edit(ctx, path, edit) })
}

// Wipe implements cluster.Disk.
func (p *process) Wipe(ctx context.Context) error {
	return p.onDisk(func(d cluster.Disk) error { return d.Wipe(ctx) })
}

// onDisk does something to the folder of a process that has exited; nobody can
// start it again meanwhile.
func (p *process) onDisk(do func(cluster.Disk) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := errors.New("it has not exited")
	if p.child.exited() {
		err = do(cluster.DirDisk(p.disk.backing))
	}
	if err != nil {
		return fmt.Errorf("data of %s: %w", p.spec.node, err)
	}
	return nil
}
