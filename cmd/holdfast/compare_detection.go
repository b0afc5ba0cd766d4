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
	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// detectors are the reference platform's profiles that can be compared.
var detectors = []string{"adaptive", "seed"}

// detectionScenarios are the drills that a detector is compared by, the library's: one
// that it must notice, and one that it must not take for more than it is.
var detectionScenarios = map[string]string{"loss": "lose-main-region", "jitter": "jitter-storm"}

// The seed profile probes every 5 s: the region is gone long enough for three
// strikes, and after every node has been probed with success, for a node that was
// not up yet at its peer's first probe has a strike already.
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
		Short: "Adaptive and fixed detection: how soon a loss is timeToEvent, how often one is imagined",
		Long: `Detection kills the reference platform's main region (loss), and makes all links
between regions jitter at three times their baseline (jitter), under adaptive
detection and under the fixed timeouts of the seed profile.

suspected and confirmed count from the request of the fault to the first node's
suspicion of a victim and to the cluster's verdict on it. An alarm is false when its
node was neither down nor cut off. A switch is a time that traffic was taken
from a region; a dash is what the drill does not call for.`,
		Example: `  holdfast compare detection
  holdfast compare detection --profile adaptive --drill jitter
  holdfast compare detection --runtime local --json`,
		Args: wantArgs(0, 0, "nothing"),
		RunE: func(c *cobra.Command, _ []string) error {
			for _, p := range profiles {
				if !slices.Contains(detectors, p) {
					return unknownValue("--profile", p, detectors)
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
	c.Flags().StringSliceVar(&profiles, "profile", detectors, "profiles to compare")
	c.Flags().StringSliceVar(&which, "drill", drills, "drills to compare them by")
	c.Flags().Uint64Var(&seed, "seed", 1, "seed of every random choice, the same for all")
	return c
}

func unknownValue(flag, got string, known []string) error {
	says := fmt.Sprintf("%s: %q is none of %s", flag, got, strings.Join(known, ", "))
	if n := suggest.Closest(got, known); n != "" {
		says += fmt.Sprintf("; did you mean %q?", n)
	}
	return usageErr("%s", says)
}

// compareProfiles runs each drill under each profile and prints the table of those that ran.
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
	contests, err := a.runVariants(ctx, all, f)
	var rows []detectionRow
	worst := 0
	for _, c := range contests {
		rows = append(rows, newDetectionRow(c))
		worst = worstExit(worst, runExit(c.run))
	}
	if len(rows) > 0 {
		if told := a.printDetection(rows); told != nil {
			return told
		}
	}
	if err != nil {
		return err
	}
	return exitWith(worst)
}

// detectionRow is one row.
type detectionRow struct {
	Profile     string         `json:"profile"`
	Drill       string         `json:"drill"`
	Suspected   *time.Duration `json:"suspected"` // ns from the request of the fault; null: never
	Confirmed   *time.Duration `json:"confirmed"`
	FalseAlarms *int           `json:"falseAlarms"` // null: not told
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

// timeToEvent is how long after its request the platform first told of a victim.
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
	return formatOffset(*d)
}
