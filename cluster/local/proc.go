package local

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// stat returns the fields of /proc/PID/stat from the third on: state, ppid, …
// The second is the program's name, which may hold spaces and parentheses.
func stat(pid int) ([]string, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil, err
	}
	_, rest, ok := strings.Cut(string(b[max(0, bytes.LastIndexByte(b, ')')):]), " ")
	f := strings.Fields(rest)
	if !ok || len(f) < 20 {
		return nil, fmt.Errorf("/proc/%d/stat is not as expected: %q", pid, b)
	}
	return f, nil
}

// isStopped says whether the process's clock is stopped (SIGSTOP).
func isStopped(pid int) (bool, error) {
	f, err := stat(pid)
	if err != nil {
		return false, err
	}
	return f[0] == "T" || f[0] == "t", nil
}

// startedAt is when the process started, in the kernel's ticks since boot; with
// the pid it names a process once and for all.
func startedAt(pid int) (string, error) {
	f, err := stat(pid)
	if err != nil {
		return "", err
	}
	return f[19], nil
}

// belongs returns the run and node that a process is marked with, empty when
// it is none of ours, has ended, or is somebody else's and hides it.
func belongs(pid int) (run, node string) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return "", ""
	}
	for kv := range bytes.SplitSeq(b, []byte{0}) {
		if v, ok := bytes.CutPrefix(kv, []byte(runEnv+"=")); ok {
			run = string(v)
		}
		if v, ok := bytes.CutPrefix(kv, []byte(nodeEnv+"=")); ok {
			node = string(v)
		}
	}
	if run == "" || node == "" {
		return "", ""
	}
	return run, node
}

// pids lists the processes of this machine, without the present one.
func pids() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var out []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() {
			out = append(out, pid)
		}
	}
	return out, nil
}
