package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/harness/builtin"
)

func (a *app) doctorVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check whether drills can run here, and what is in the way",
		Long: `Doctor checks the container engine, the images, the local runtime, ports, the
clock, memory and cores, the Go toolchain that builds the nodes' programs, and what
crashed runs have left behind. It changes nothing. The exit status is 3 when no
runtime works here, and 0 otherwise; warnings do not change it.`,
		Example: "  holdfast doctor\n  holdfast doctor --json",
		Args:    wantArgs(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			found, able := checkHost(c.Context())
			if a.json {
				if err := printJSON(a.out, struct {
					Usable bool          `json:"usable"`
					Checks []checkResult `json:"checks"`
				}{able, found}); err != nil {
					return err
				}
			} else if err := a.printChecks(found); err != nil {
				return err
			}
			if !able {
				return &exitError{exitEnvironment, fmt.Errorf("doctor: no runtime works here; the lines marked %q say why", statusBad)}
			}
			return nil
		},
	}
}

// checkStatus is the outcome of one check.
type checkStatus string

const (
	statusOK   checkStatus = "ok"
	statusWarn checkStatus = "warn"
	statusBad  checkStatus = "bad"
)

// checkResult is one thing that was checked, what was observed, and what to do about it.
type checkResult struct {
	Subject  string      `json:"subject"`
	Status   checkStatus `json:"status"`
	Observed string      `json:"observed"`
	Remedy   string      `json:"remedy,omitempty"`
}

// checkHost checks everything. Able says that at least one runtime works.
func checkHost(ctx context.Context) (found []checkResult, able bool) {
	for _, k := range builtin.Runtimes() {
		if err := k.Check(ctx); err != nil {
			found = append(found, checkResult{"runtime " + k.Name, statusWarn, err.Error(), runtimeRemedy(k.Name)})
			continue
		}
		able = true
		found = append(found, checkResult{"runtime " + k.Name, statusOK, "works here", ""})
	}
	if !able {
		for i := range found {
			found[i].Status = statusBad
		}
	}
	return append(found, checkImages(ctx), checkToolchain(ctx), checkPorts(), checkLoopback(), checkClocks(), checkMemory(), checkCores(), checkLeftovers(ctx)), able
}

func runtimeRemedy(runtime string) string {
	if runtime == "docker" {
		return "start Docker or Podman, or set DOCKER_HOST; without one, drills run on the local runtime"
	}
	return ""
}

func (a *app) printChecks(found []checkResult) error {
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, s := range found {
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Status, s.Subject, oneLine(s.Observed))
		if s.Remedy != "" {
			fmt.Fprintf(t, "\t\t→ %s\n", s.Remedy)
		}
	}
	return t.Flush()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
