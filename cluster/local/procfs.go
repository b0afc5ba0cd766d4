package local

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// isStopped says whether the process's clock is stopped (SIGSTOP).
func isStopped(pid int) (bool, error) {
	s, err := statOf(pid)
	return s.State == "T" || s.State == "t", err
}

// startTicks is when the process started, in the kernel's ticks since boot; with
// the pid it names a process once and for all.
func startTicks(pid int) (string, error) {
	s, err := statOf(pid)
	return strconv.FormatUint(s.Starttime, 10), err
}

func statOf(pid int) (procfs.ProcStat, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return procfs.ProcStat{}, err
	}
	return p.Stat()
}

// runOf returns the run and node that a process is marked with, empty when
// it is none of ours, has ended, or is somebody else's and hides it.
func runOf(pid int) (run, node string) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return "", ""
	}
	env, err := p.Environ()
	if err != nil {
		return "", ""
	}
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, runEnv+"="); ok {
			run = v
		}
		if v, ok := strings.CutPrefix(kv, nodeEnv+"="); ok {
			node = v
		}
	}
	if run == "" || node == "" {
		return "", ""
	}
	return run, node
}

// pids lists the processes of this machine, without the present one.
func pids() ([]int, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil, err
	}
	var out []int
	for _, p := range all {
		out = append(out, p.PID)
	}
	self := os.Getpid()
	return slices.DeleteFunc(out, func(pid int) bool { return pid == self }), nil
}
