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
		Short: "Look whether drills can run here, and what is in the way",
		Long: `Doctor looks at the container engine, the images, the local runtime, ports, the
clock, memory and cores, the Go toolchain that builds node binaries, and what
abandoned runs have left. It changes nothing. Exit status 3 when no runtime
works here; warnings do not change it.`,
		Example: "  holdfast doctor\n  holdfast doctor --json",
		Args:    wantArgs(0, 0, "no words"),
		RunE: func(c *cobra.Command, _ []string) error {
			found, able := examine(c.Context())
			if a.json {
				if err := printJSON(a.out, struct {
					Able  bool      `json:"able"`
					Found []symptom `json:"found"`
				}{able, found}); err != nil {
					return err
				}
			} else if err := a.printSymptoms(found); err != nil {
				return err
			}
			if !able {
				return &exitError{exitEnvironment, fmt.Errorf("doctor: no runtime works here; the lines marked %s say why", bad)}
			}
			return nil
		},
	}
}

// health is how good a sign is.
type health string

const (
	good health = "ok"
	poor health = "warn"
	bad  health = "bad"
)

// symptom is one thing looked at, what was seen, and what to do about it.
type symptom struct {
	Thing  string `json:"thing"`
	Health health `json:"health"`
	Saw    string `json:"saw"`
	Do     string `json:"do,omitempty"`
}

// examine looks at everything; able says that at least one runtime works.
func examine(ctx context.Context) (found []symptom, able bool) {
	for _, k := range builtin.Runtimes() {
		if err := k.Check(ctx); err != nil {
			found = append(found, symptom{"runtime " + k.Name, poor, err.Error(), remedy(k.Name)})
			continue
		}
		able = true
		found = append(found, symptom{"runtime " + k.Name, good, "works here", ""})
	}
	if !able {
		for i := range found {
			found[i].Health = bad
		}
	}
	return append(found, images(ctx), binaries(ctx), ports(), loopback(), clocks(), memory(), cores(), residue(ctx)), able
}

func remedy(runtime string) string {
	if runtime == "docker" {
		return "start Docker or Podman, or set DOCKER_HOST; without one, drills run on the local runtime"
	}
	return ""
}

func (a *app) printSymptoms(found []symptom) error {
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, s := range found {
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Health, s.Thing, oneLine(s.Saw))
		if s.Do != "" {
			fmt.Fprintf(t, "\t\t→ %s\n", s.Do)
		}
	}
	return t.Flush()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
