package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/mcp-resilience/holdfast/cluster/cleanup"
	"github.com/mcp-resilience/holdfast/cluster/docker"
)

// leftovers lists what a run has left on this machine: containers and networks,
// processes, folders, and its lock. Processes are found by the run's id in
// their arguments or environment, so that one that hides from us shows too.
func leftovers(ctx context.Context, run string) ([]string, error) {
	var out []string
	if engine == nil {
		runs, err := docker.Runs(ctx)
		if err != nil {
			return nil, err
		}
		if slices.Contains(runs, run) {
			out = append(out, "containers or networks")
		}
	}
	for _, pid := range processesOf(run) {
		out = append(out, fmt.Sprintf("process %d", pid))
	}
	journals, err := cleanup.Runs()
	if err != nil {
		return nil, err
	}
	if slices.Contains(journals, run) {
		out = append(out, "journal and lock")
	}
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), "holdfast-"+run+"-*"))
	return append(out, dirs...), err
}

// processesOf lists the processes with the run's id in their arguments or
// environment. Only Linux lets us look.
func processesOf(run string) []int {
	var out []int
	files, _ := filepath.Glob("/proc/[0-9]*")
	for _, f := range files {
		args, _ := os.ReadFile(filepath.Join(f, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(f, "environ"))
		pid, err := strconv.Atoi(filepath.Base(f))
		if err == nil && pid != os.Getpid() && (bytes.Contains(args, []byte(run)) || bytes.Contains(env, []byte(run))) {
			out = append(out, pid)
		}
	}
	return out
}
