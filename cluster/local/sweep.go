package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/loopback"
)

// sweepTimeout bounds a sweep whose context has no deadline.
const sweepTimeout = 10 * time.Second

// Sweep kills every process that carries the run's mark in its environment,
// stopped or not, waits until none is left, and removes the run's cgroups and mounts. It
// returns what it has removed and touches nothing else. Where the runtime cannot
// work there is nothing to sweep.
func Sweep(ctx context.Context, run string) (killed []string, err error) {
	if loopback.Check() != nil {
		return nil, nil
	}
	if run == "" {
		return nil, errors.New("sweep: no run given")
	}
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	seen := map[int]bool{}
	for {
		all, err := pids()
		if err != nil {
			return killed, fmt.Errorf("sweep run %s: %w", run, err)
		}
		left := 0
		// First, for a process that waits for an answer of a layer cannot be killed.
		for _, at := range leftoverMounts()[run] {
			if unmount(at) != nil {
				left++
			} else {
				killed = append(killed, "mount "+at)
			}
		}
		for _, pid := range all {
			node, ok := killMarked(pid, run)
			if !ok {
				continue
			}
			left++
			if !seen[pid] {
				seen[pid] = true
				killed = append(killed, fmt.Sprintf("process %d of %s", pid, node))
			}
		}
		if left == 0 {
			for _, dir := range leftoverCgroups()[run] {
				if removeCgroup(dir) != nil { // a process in it has been killed but not reaped
					left++
				} else {
					killed = append(killed, "cgroup "+dir)
				}
			}
		}
		if left == 0 {
			return killed, nil
		}
		select {
		case <-ctx.Done():
			return killed, fmt.Errorf("sweep run %s: %d processes, cgroups or mounts are left: %w", run, left, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// killMarked kills a process if it is marked as one of the run. The process is
// opened (as a pidfd) before its mark is read, so the signals reach that process
// or none, even if the pid has been given to another meanwhile.
func killMarked(pid int, run string) (node string, ours bool) {
	p, err := os.FindProcess(pid)
	if err != nil {
		return "", false
	}
	defer func() { _ = p.Release() }()
	got, node := runOf(pid)
	if got != run {
		return "", false
	}
	// SIGKILL ends a stopped process too. Both fail only if it has just ended.
	_ = p.Signal(sigCont)
	_ = p.Kill()
	return node, true
}

// Runs lists the runs that have live processes, cgroups or mounts here, sorted.
func Runs(context.Context) ([]string, error) {
	if loopback.Check() != nil {
		return nil, nil
	}
	all, err := pids()
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	found := map[string]bool{}
	for _, pid := range all {
		if run, _ := runOf(pid); run != "" {
			found[run] = true
		}
	}
	for run := range leftoverCgroups() {
		found[run] = true
	}
	for run := range leftoverMounts() {
		found[run] = true
	}
	return slices.Sorted(maps.Keys(found)), nil
}
