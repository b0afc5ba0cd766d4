// Command watchdog is started by a run and outlives it by as long as it takes
// to remove what the run left behind. It is not for people: `holdfast clean`
// does the same for runs whose watchdog was killed too.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/cleanup"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
)

func main() {
	run := flag.String("run", "", "`id` of the run to guard")
	flag.Parse()
	// What asks the owner to end may well be sent to all. The watchdog ends when
	// its work is done.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := cleanup.Guard(context.Background(), *run, os.Stdin, os.Stdout, os.Stderr, []cleanup.Sweeper{
		{Name: docker.Name, Sweep: sweepContainers},
		{Name: local.Name, Sweep: local.Sweep},
		{Name: "scratch", Sweep: cleanup.SweepScratch},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "watchdog:", err)
		os.Exit(1)
	}
}

// sweepContainers sweeps the container engine. That there is none matters only to a
// run that has used it.
func sweepContainers(ctx context.Context, run string) ([]string, error) {
	if err := docker.Check(ctx); err != nil {
		made, jerr := cleanup.Entries(run)
		if jerr == nil && !slices.ContainsFunc(made, func(e cluster.CleanupEntry) bool { return e.What == "container" || e.What == "network" }) {
			return nil, nil
		}
		return nil, err
	}
	return docker.Sweep(ctx, run)
}
