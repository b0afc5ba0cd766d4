package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// detectionProfiles are the timing profiles of the reference platform that can be compared.
var detectionProfiles = []string{"adaptive", "seed"}

// detectionScenarios are the library's scenarios that profiles are compared by: a loss
// that must be detected, and jitter that must not be taken for one.
var detectionScenarios = map[string]string{"loss": "lose-main-region", "jitter": "jitter-storm"}

// The seed profile probes every 5 s. The fault lasts long enough for three failed
// probes, and the baseline long enough for every node to have been probed with
// success: a node that was still starting at its peer's first probe has failed one.
const (
	lossFor  = 20 * time.Second
	baseline = 12 * time.Second
)

func (a *app) compareDetection() *cobra.Command {
	drills := []string{"loss", "jitter"}
	var f runFlags
	var profiles, which []string
	var seed uint64
	c := &cobra.Command{
		Use:   "detection",
		Short: "Adaptive and fixed failure detection: how soon a loss is detected, how often falsely",
		Long: `Detection kills the reference platform's main region (loss), and makes all links
between regions jitter at three times their baseline (jitter), under adaptive
detection and under the fixed timeouts of the seed profile.

The columns suspected and confirmed are the times from the request of the fault
until a node first suspects a victim, and until the cluster agrees that it is lost.
An alarm is false when its node was neither down nor cut off. Switches counts how
often traffic was moved away from a region. A dash means that it did not happen.

` + exitHelp,
		Example: `  holdfast compare detection
  holdfast compare detection --profile adaptive --drill jitter
  holdfast compare detection --runtime local --json`,
		Args: wantArgs(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			for _, p := range profiles {
				if !slices.Contains(detectionProfiles, p) {
					return unknownValue("--profile", p, detectionProfiles)
				}
			}
			for _, d := range which {
				if !slices.Contains(drills, d) {
					return unknownValue("--drill", d, drills)
				}
			}
			return a.compareProfiles(c.Context(), profiles, which, seed, f)
		},
	}
	f.add(c)
	c.Flags().StringSliceVar(&profiles, "profile", detectionProfiles, "profiles to compare")
	c.Flags().StringSliceVar(&which, "drill", drills, "drills to compare them by")
	c.Flags().Uint64Var(&seed, "seed", 1, "seed of every random choice, the same for all")
	return c
}

// compareProfiles runs each drill under each profile and prints a table of those that ran.
func (a *app) compareProfiles(ctx context.Context, profiles, which []string, seed uint64, f runFlags) error {
	var all []variant
	for _, drill := range which {
		for _, profile := range profiles {
			job, err := builtin.Read(detectionScenarios[drill], seed, func(s *scenarios.Scenario) {
				s.Topology.Profile, s.Baseline = profile, baseline
				if drill == "loss" {
					s.Steps[0].For = lossFor
				}
			})
			if err != nil {
				return err
			}
			all = append(all, variant{profile + " · " + drill, job})
		}
	}
	runs, err := a.runVariants(ctx, all, f)
	var rows []detectionRow
	worst := 0
	for _, c := range runs {
		rows = append(rows, newDetectionRow(c))
		worst = worstExit(worst, executedExit(c.run))
	}
	if len(rows) > 0 {
		if err := a.printDetection(rows); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return exitWith(worst)
}

// detectionRow is one row of the table.
type detectionRow struct {
	Profile     string         `json:"profile"`
	Drill       string         `json:"drill"`
	Suspected   *time.Duration `json:"suspected"` // ns from the request of the fault; null: never
	Confirmed   *time.Duration `json:"confirmed"`
	FalseAlarms *int           `json:"falseAlarms"` // null: the platform reported none
	Switches    int            `json:"switches"`
	RTO         *time.Duration `json:"rto"` // null: not measured, or no stable recovery
	Verdict     record.Verdict `json:"verdict"`
	Dir         string         `json:"dir"`
}

func newDetectionRow(c variantRun) detectionRow {
	profile, drill, _ := strings.Cut(c.name, " · ")
	d := detectionRow{Profile: profile, Drill: drill, Dir: c.dir, Verdict: record.Unknown}
	if len(c.run.Faults) > 0 {
		fault := c.run.Faults[0]
		d.Suspected, d.Confirmed = timeToEvent(c.run, fault, record.EventSuspect), timeToEvent(c.run, fault, record.EventConfirmed)
		for _, e := range c.run.Events {
			if e.Source == record.FromPlatform && e.Kind == record.EventWeights && e.Fields[record.FieldLost] != "" && e.At >= fault.Inject.Requested {
				d.Switches++
			}
		}
	}
	if j := c.run.Result; j != nil {
		d.Verdict = j.Verdict
		if j.RTO != nil && j.RTO.Recovered {
			d.RTO = &j.RTO.Worst
		}
		if j.Alarms != nil {
			d.FalseAlarms = &j.Alarms.FalseCount
		}
	}
	return d
}

// timeToEvent is the time from the request of a fault until the platform first emitted
// an event of this kind about a victim; nil when it never did.
func timeToEvent(r *record.Run, f record.Fault, kind record.EventKind) *time.Duration {
	var first *time.Duration
	for _, e := range r.Events {
		if e.Source != record.FromPlatform || e.Kind != kind || e.At < f.Inject.Requested {
			continue
		}
		for _, victim := range f.Impact.Down {
			if after := e.At - f.Inject.Requested; e.Fields[record.FieldPeer] == string(victim) && (first == nil || after < *first) {
				first = &after
			}
		}
	}
	return first
}

func (a *app) printDetection(rows []detectionRow) error {
	if a.json {
		return printJSON(a.out, rows)
	}
	t := a.table("profile", "drill", "suspected", "confirmed", "false alarms", "switches", "RTO", "verdict", "run")
	for _, r := range rows {
		alarms := "?"
		if r.FalseAlarms != nil {
			alarms = strconv.Itoa(*r.FalseAlarms)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n",
			r.Profile, r.Drill, durationOrDash(r.Suspected), durationOrDash(r.Confirmed), alarms, r.Switches, durationOrDash(r.RTO), r.Verdict, r.Dir)
	}
	return t.Flush()
}

func durationOrDash(d *time.Duration) string {
	if d == nil {
		return "—"
	}
	return duration.OrNever(*d)
}
