package local

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/local/faultfs"
)

var _ cluster.DiskFaulter = (*process)(nil)

// failingDisk is the layer between a node and its data, and where those are.
type failingDisk struct {
	layer   *faultfs.FS // nil where there is none
	reason  string      // why there is none
	at      string      // where the node finds its data
	backing string      // where they are; as at without a layer
}

// mountDisk puts the layer between a node and its folder, if the run asks for it and
// the machine has FUSE. No child is made meanwhile, see launch: it would inherit the
// layer's descriptor, and keep the layer from ending with this process.
func (r *Runtime) mountDisk(at, backing string) failingDisk {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.mountDiskLocked(at, backing)
	r.disks = append(r.disks, d)
	return d
}

func (r *Runtime) mountDiskLocked(at, backing string) failingDisk {
	if !r.spec.FailingDisks {
		return failingDisk{reason: "the run was started without a layer between its nodes and their disks, because no step of its plan needs one", at: at, backing: at}
	}
	layer, err := mountLayer(backing, at, mountSource(r.spec.Run))
	if err != nil {
		return failingDisk{reason: "a layer between a node and its disk needs FUSE (/dev/fuse, and root or fusermount): " + err.Error(), at: at, backing: at}
	}
	return failingDisk{layer: layer, at: at, backing: backing}
}

func mountLayer(backing, at, source string) (*faultfs.FS, error) {
	if err := os.MkdirAll(backing, 0o755); err != nil {
		return nil, err
	}
	return faultfs.Mount(backing, at, source)
}

// close takes the layer away and leaves the data where the node found them.
func (d failingDisk) close() error {
	if d.layer == nil {
		return nil
	}
	if err := d.layer.Unmount(); err != nil {
		return err
	}
	return errors.Join(os.Remove(d.at), os.Rename(d.backing, d.at))
}

// CanFailDisk implements cluster.DiskFaulter.
func (p *process) CanFailDisk() error {
	if p.disk.layer == nil {
		return cluster.Unsupported{Reason: p.disk.reason}
	}
	return nil
}

// FailDisk implements cluster.DiskFaulter.
func (p *process) FailDisk(_ context.Context, f cluster.DiskFault) error {
	if err := p.CanFailDisk(); err != nil {
		return err
	}
	p.disk.layer.Set(faultfs.Faults(f))
	return nil
}

// DiskCounts implements cluster.DiskFaulter.
func (p *process) DiskCounts(context.Context) (cluster.DiskCounts, error) {
	if err := p.CanFailDisk(); err != nil {
		return cluster.DiskCounts{}, err
	}
	c := p.disk.layer.Counts()
	return cluster.DiskCounts{
		Operations: c.Operations, Delayed: c.Delayed, Failed: c.Failed, Refused: c.Refused, Unsynced: p.disk.layer.Unsynced(),
	}, nil
}

// LosePower implements cluster.DiskFaulter.
func (p *process) LosePower(context.Context) (writes int, err error) {
	if err := p.CanFailDisk(); err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.child.exited() {
		return 0, fmt.Errorf("power loss of %s: it has not exited", p.spec.node)
	}
	writes, _, err = p.disk.layer.LosePower()
	return writes, err
}
