package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestDetectionRow(t *testing.T) {
	told := func(at time.Duration, kind record.EventKind, peer, lost string) record.Event {
		return record.Event{At: at, Source: record.FromPlatform, Kind: kind, Fields: map[string]string{"peer": peer, "lost": lost}}
	}
	loss := func() *record.Run {
		return &record.Run{
			Faults: []record.Fault{{Inject: record.Times{Requested: 10 * time.Second}, Impact: topology.FaultImpact{Down: []topology.NodeID{"east-1"}}}},
			Events: []record.Event{
				told(9*time.Second, "suspect", "east-1", ""),   // before the fault
				told(11*time.Second, "suspect", "south-1", ""), // no victim
				told(13*time.Second, "suspect", "east-1", ""),
				told(12*time.Second, "suspect", "east-1", ""), // told later, but sooner
				told(14*time.Second, "confirmed", "east-1", ""),
				told(14*time.Second, "weights", "", "east-1"),
				told(30*time.Second, "weights", "", ""), // a step back
			},
			Result: &record.Result{
				Verdict: record.Pass, RTO: &record.RTO{Worst: time.Second, Recovered: true}, Alarms: &record.Alarms{Raised: 4, FalseCount: 2},
			},
		}
	}
	two, four, second, falses := 2*time.Second, 4*time.Second, time.Second, 2
	for _, c := range []struct {
		name string
		run  *record.Run
		want detectionRow
	}{
		{"a loss", loss(), detectionRow{Suspected: &two, Confirmed: &four, FalseAlarms: &falses, Switches: 1, RTO: &second, Verdict: record.Pass}},
		{"a run that was aborted", &record.Run{}, detectionRow{Verdict: record.Unknown}},
		{"no recovery is no figure", func() *record.Run {
			r := loss()
			r.Events, r.Result.RTO.Recovered, r.Result.Alarms, r.Result.Verdict = nil, false, nil, record.Fail
			return r
		}(), detectionRow{Verdict: record.Fail}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Profile, c.want.Drill, c.want.Dir = "adaptive", "loss", "runs/x"
			got := newDetectionRow(variantRun{variant{name: "adaptive · loss"}, c.run, "runs/x"})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	var out bytes.Buffer
	a := &app{out: &out}
	if err := a.printDetection([]detectionRow{
		{Profile: "adaptive", Drill: "loss", Suspected: &two, Confirmed: &four, FalseAlarms: &falses, Switches: 1, RTO: &second, Verdict: record.Pass, Dir: "runs/x"},
		{Profile: "seed", Drill: "jitter", Verdict: record.Unknown, Dir: "runs/y"},
	}); err != nil {
		t.Fatal(err)
	}
	want := `profile   drill   suspected  confirmed  false alarms  switches  RTO  verdict  run
adaptive  loss    2 s        4 s        2             1         1 s  pass     runs/x
seed      jitter  —          —          ?             0         —    unknown  runs/y
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
