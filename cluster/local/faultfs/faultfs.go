// Package faultfs is a layer between a program and its folder that can be slow, full,
// broken, and forget what was not synced. It is a file system in user space (FUSE) that
// passes everything on to another folder of this machine.
//
//	node ── write, fsync ──► /…/data/east-1 (FUSE) ──► this process ──► /…/disks/east-1
package faultfs

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// Faults is what is done to a file system. The zero value does nothing.
type Faults struct {
	Delay      time.Duration // before each read, write and sync
	ErrorShare float64       // of reads, writes and syncs that fail with EIO, 0 to 1
	Full       bool          // nothing can be written or made: ENOSPC
	Seed       uint64        // of which ones fail
}

// Counts is what happened to a file system since it was mounted.
type Counts struct {
	Operations int // reads, writes and syncs
	Delayed    int
	Failed     int // with EIO
	Refused    int // with ENOSPC
}

// gate is what every operation passes.
type gate struct {
	mu      sync.Mutex
	faults  Faults
	changed chan struct{} // closed when the faults are replaced
	rng     *rand.Rand
	counts  Counts
}

func newGate() *gate { return &gate{changed: make(chan struct{})} }

// set replaces the faults. Operations that are being delayed go on at once.
func (g *gate) set(f Faults) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults, g.rng = f, rand.New(rand.NewPCG(f.Seed, 1))
	close(g.changed)
	g.changed = make(chan struct{})
}

// pass delays an operation and returns the error that it has to fail with, 0 for
// none. An interrupted program waits on: a real disk would not answer it either.
func (g *gate) pass(takesSpace bool) syscall.Errno {
	g.mu.Lock()
	f, changed := g.faults, g.changed
	g.counts.Operations++
	full := f.Full && takesSpace
	fails := !full && f.ErrorShare > 0 && g.rng.Float64() < f.ErrorShare
	g.mu.Unlock()
	delayed := false
	if f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-t.C:
			delayed = true
		case <-changed:
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if delayed {
		g.counts.Delayed++
	}
	switch {
	case full:
		g.counts.Refused++
		return syscall.ENOSPC
	case fails:
		g.counts.Failed++
		return syscall.EIO
	}
	return 0
}

func (g *gate) count() Counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counts
}
