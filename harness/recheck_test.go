package harness_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// storedRuns are kept runs of the reference platform, recorded by the schema that
// their name says. Nothing in them may be edited: their checksums would show it.
var storedRuns = []string{"schema1-lost-writes", "schema1-every-objective"}

// stored copies a kept run to where it may be judged again.
func stored(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "record", "testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// verdicts are what a run came to: each check with its verdict, and every figure.
// Sentences are left out, for they may be put better.
type verdicts struct {
	Verdict  record.Verdict
	Expected bool
	Findings []record.Finding

	RTO                                                *record.RTO
	RPO                                                *record.RPO
	Phantoms, Diverged, Duplicates, Stale, Split, Lost int
	Availability                                       *record.Availability
	Linearizable                                       *record.Linearizable
	Alarms                                             *record.Alarms
	Deliveries                                         []record.Deliveries
	SLOParams                                          record.SLOParams
}

func verdictsOf(j *record.Result) verdicts {
	j, stale := withoutOverwrittenLosses(j)
	v := verdicts{
		Verdict: j.Verdict, Expected: j.AsExpected(), RTO: j.RTO, RPO: j.RPO, Availability: j.Availability,
		Linearizable: j.Linearizable, Alarms: j.Alarms, Deliveries: j.Deliveries, SLOParams: j.SLOParams,
	}
	for _, f := range j.Findings {
		v.Findings = append(v.Findings, record.Finding{Check: f.Check, Verdict: f.Verdict})
	}
	v.Phantoms, v.Diverged, v.Duplicates = len(j.RPO.Phantoms), len(j.RPO.Diverged), len(j.RPO.Duplicates)
	v.Stale, v.Split, v.Lost = stale, len(j.RPO.SplitBrain), len(j.RPO.Lost)
	return v
}

// withoutOverwrittenLosses takes out the lost writes to registers that were overwritten later: they are counted
// today. Then, the reads that missed them were stale reads.
func withoutOverwrittenLosses(j *record.Result) (_ *record.Result, stale int) {
	out, rpo := *j, *j.RPO
	out.RPO, rpo.Lost = &rpo, nil
	stale = len(rpo.StaleReads)
	for _, l := range j.RPO.Lost {
		if l.Proof == "" {
			rpo.Lost = append(rpo.Lost, l)
			continue
		}
		rpo.LostCount--
		stale++ // each of those in the stored runs was missed by one read
	}
	if n := len(rpo.Lost); n > 0 {
		rpo.LossWindow = rpo.Lost[n-1].Op.Return - rpo.Lost[0].Op.Return
	}
	return &out, stale
}

// TestAStoredRunIsJudgedAsItWas: records of before are read and judged today, with
// the verdicts and the figures of then.
func TestAStoredRunIsJudgedAsItWas(t *testing.T) {
	t.Parallel()
	for _, name := range storedRuns {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := stored(t, name)
			before, err := record.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(before.Partial) > 0 || before.Result == nil || len(before.Ops) == 0 || len(before.Events) == 0 || len(before.Matrices) == 0 {
				t.Fatalf("the stored run is not read whole: %d operations, %d events, %d matrices, gaps %q",
					len(before.Ops), len(before.Events), len(before.Matrices), before.Partial)
			}
			after, err := harness.Recheck(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			words := []cmp.Option{
				cmpopts.IgnoreFields(record.RPO{}, "Phantoms", "Diverged", "Duplicates", "StaleReads", "SplitBrain"),
				cmpopts.IgnoreFields(record.RPO{}, "Judged", "JudgedDuringFaults", "LostDuringFaults", "LossGroups"), // not counted then
				cmpopts.IgnoreFields(record.LostWrite{}, "Position"),
				cmpopts.IgnoreFields(record.Stage{}, "Description"),
				cmpopts.IgnoreFields(record.Alarms{}, "False"),
				// Exact by nearest rank today; they were read off a histogram then.
				cmpopts.IgnoreFields(record.AvailabilitySeries{}, "P50", "P99"),
				// Recovery ended then when an operation was due, and ends now when it was answered.
				cmpopts.IgnoreFields(record.RTO{}, "Worst", "Min", "Median", "Max", "Stages"),
				cmpopts.IgnoreFields(record.RTOSeries{}, "RTO", "BadService", "FirstAck", "Resolution", "Ops", "SinceHeal"),
				cmpopts.IgnoreFields(record.SLOParams{}, "Lateness"), // not measured then
				cmpopts.EquateEmpty(),
			}
			if diff := cmp.Diff(verdictsOf(before.Result), verdictsOf(after.Result), words...); diff != "" {
				t.Errorf("judged otherwise than before (-before +now):\n%s", diff)
			}
			for i, s := range after.Result.RTO.Series {
				// The answer came at most the latency limit later than it was due.
				was := before.Result.RTO.Series[i].RTO
				if s.Recovered && (s.RTO < s.BadService || s.RTO > s.BadService+after.Result.SLOParams.Latency || s.BadService > was+after.Result.RTO.Resolution) {
					t.Errorf("%s %s: RTO %v with bad service for %v, and %v then", s.Region, s.Class, s.RTO, s.BadService, was)
				}
			}
			again, err := record.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(again.Partial) > 0 {
				t.Errorf("judging the run again has changed its record: %q", again.Partial)
			}
			if diff := cmp.Diff(after.Result, again.Result, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the new verdict is not read as it was written (-written +read):\n%s", diff)
			}
		})
	}
}

// TestTheStoredPlanOfAnOldRunIsUnderstood: a plan of before means the same today, so
// that a replay runs what ran then.
func TestTheStoredPlanOfAnOldRunIsUnderstood(t *testing.T) {
	for _, name := range storedRuns {
		t.Run(name, func(t *testing.T) {
			r, err := record.Load(stored(t, name))
			if err != nil {
				t.Fatal(err)
			}
			var plan scenarios.Plan
			if err := json.Unmarshal(r.Plan, &plan); err != nil {
				t.Fatal(err)
			}
			for what, diff := range map[string]string{
				"topology":          cmp.Diff(r.Topology, plan.Topology),
				"objectives":        cmp.Diff(r.Objectives, plan.Objectives),
				"expected failures": cmp.Diff(r.ExpectedFailures, plan.ExpectedFailures),
				"seed":              cmp.Diff(r.Seed, plan.Seed),
				"steps":             cmp.Diff(len(r.Faults), len(plan.Steps)),
			} {
				if diff != "" {
					t.Errorf("%s of the plan are not those of the run (-run +plan):\n%s", what, diff)
				}
			}
			if len(plan.Topology.Nodes) == 0 || len(plan.Topology.Latency) == 0 || plan.Objectives.RTO == 0 || len(plan.ExpectedFailures) == 0 {
				t.Errorf("the plan is not read whole: %+v", plan)
			}
			for i, s := range plan.Steps {
				if s.With == nil || s.ID != r.Faults[i].ID || s.Fault != r.Faults[i].Name {
					t.Errorf("step %d is %+v, want that of fault %s", i, s, r.Faults[i].ID)
				}
			}
		})
	}
}
