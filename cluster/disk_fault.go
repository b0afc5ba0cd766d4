package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// DiskFault is what is done to the disk of a running node. The zero value does nothing.
type DiskFault struct {
	Delay      time.Duration // before each read, write and sync
	ErrorShare float64       // of reads, writes and syncs that fail with EIO, 0 to 1
	Full       bool          // nothing can be written: ENOSPC
	Seed       uint64        // of which ones fail
}

// DiskCounts is what happened on the disk of a node since it was first started.
type DiskCounts struct {
	Operations int // reads, writes and syncs
	Delayed    int
	Failed     int // with EIO
	Refused    int // with ENOSPC
	// Unsynced is how many writes have not been synced yet.
	Unsynced int
}

// DiskFaulter is a process whose disk can be made to fail while it runs. A Process
// that can be implements DiskFaulter too; see DiskFaulterOf.
type DiskFaulter interface {
	// CanFailDisk returns nil where it can, else Unsupported with the reason.
	CanFailDisk() error
	// FailDisk replaces what is done to the disk. It holds over restarts.
	FailDisk(ctx context.Context, f DiskFault) error
	DiskCounts(ctx context.Context) (DiskCounts, error)
	// LosePower undoes every write that was not synced, on a process that has
	// exited, and returns how many there were.
	LosePower(ctx context.Context) (writes int, err error)
}

// DiskFaulterOf is how the disk of a process is made to fail; the error is
// Unsupported where that is impossible.
func DiskFaulterOf(p Process) (DiskFaulter, error) {
	d, ok := p.(DiskFaulter)
	if !ok {
		return nil, Unsupported{Reason: fmt.Sprintf("the runtime of %T has no layer between a node and its disk", p)}
	}
	return d, d.CanFailDisk()
}

// FailDisk does something to the disk of a node until the returned release. Of
// several faults at a time the delays add, and any other counts. A node that exits
// meanwhile did not crash by itself, for programs may well give up when their disk
// does; the last release starts it again. Release may be called again after an
// error; after success it does nothing.
func (c *Cluster) FailDisk(ctx context.Context, id topology.NodeID, f DiskFault) (release func(context.Context) error, err error) {
	p := c.Process(id)
	if p == nil {
		return nil, fmt.Errorf("fail the disk of %s: no such node in this cluster", id)
	}
	d, err := DiskFaulterOf(p)
	if err != nil {
		return nil, fmt.Errorf("fail the disk of %s: %w", id, err)
	}
	n := c.states.of(id)
	n.mu.Lock()
	defer n.mu.Unlock()
	mine := &f
	n.disk = append(n.disk, mine)
	if err := n.failDisk(ctx, p, d); err != nil {
		n.mendDisk(mine)
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("fail the disk of %s: %w", id, err), n.failDisk(undo, p, d))
	}
	done := false
	return func(ctx context.Context) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		if done {
			return nil
		}
		n.mendDisk(mine)
		if err := n.failDisk(ctx, p, d); err != nil {
			return fmt.Errorf("mend the disk of %s: %w", id, err)
		}
		done = true
		return nil
	}, nil
}

// failDisk applies all faults of the disk together. Without any it starts a node that
// has given up.
func (n *nodeState) failDisk(ctx context.Context, p Process, d DiskFaulter) error {
	var all DiskFault
	for _, f := range n.disk {
		all.Delay += f.Delay
		if f.ErrorShare > all.ErrorShare {
			all.ErrorShare, all.Seed = f.ErrorShare, f.Seed
		}
		all.Full = all.Full || f.Full
	}
	if err := d.FailDisk(ctx, all); err != nil || len(n.disk) > 0 {
		return err
	}
	s, err := p.Status(ctx)
	if err != nil || s.State != Exited || n.count[Exited] > 0 {
		return err
	}
	return n.restart(ctx, p)
}

func (n *nodeState) mendDisk(f *DiskFault) {
	n.disk = slices.DeleteFunc(n.disk, func(other *DiskFault) bool { return other == f })
}
