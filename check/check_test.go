package check

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/record"
)

// A perfect run passes everything: without this, red negative controls prove nothing.
func TestCleanRun(t *testing.T) {
	j := judge(t, lab{}.run())
	for _, f := range j.Findings {
		if f.Verdict != record.Pass {
			t.Errorf("%s is %s: %s %v", f.Check, f.Verdict, f.Description, f.Evidence)
		}
		t.Logf("%s: %s %s", f.Check, f.Verdict, f.Description)
	}
	if j.Verdict != record.Pass || !j.AsExpected() {
		t.Errorf("verdict %s", j.Verdict)
	}
	if j.RTO.Worst != 0 || !j.RTO.Recovered {
		t.Errorf("RTO %v without an outage", j.RTO.Worst)
	}
}

// What a scenario may say it breaks is what is judged here, under the same names.
func TestPromisesAreTheRecords(t *testing.T) {
	r, yes := newMoney(10).finish(), true
	r.Objectives.Availability, r.Objectives.Linearizable, r.Objectives.LeaderChange, r.Objectives.RejectWithoutQuorum = 0.5, &yes, &yes, true
	r.Objectives.DisconnectedOperation = true
	for _, op := range newPost().finish().Ops { // a stream as well; what they come to is not asked
		if op.Key == "feed" || op.Key == "feed/east-0" {
			r.Ops = append(r.Ops, op)
		}
	}
	r.Objectives.LoadShedding = true
	r.Objectives.Stages = map[string]time.Duration{"detect": time.Second}
	none := 0
	r.Objectives.TrafficSwitch, r.Objectives.FalseAlarms, r.Objectives.Redelivered = &yes, &none, &none
	r.Objectives.ExpectEvents = []record.EventPattern{{Kind: "elected"}}
	var got []string
	for _, f := range judge(t, r).Findings {
		if f.Check != "run" && f.Check != "every kind succeeds" && !strings.HasPrefix(f.Check, "fault ") {
			got = append(got, f.Check)
		}
	}
	want := record.Checks()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("promises (-want +got):\n%s", diff)
	}
}

func TestCheckerThatPanics(t *testing.T) {
	broken := promise{"broken", func(context.Context, *view, *record.Result) []record.Finding { panic("no such thing") }}
	fs := guard(context.Background(), broken, nil, nil)
	if len(fs) != 1 || fs[0].Verdict != record.Unknown || fs[0].Check != "broken" {
		t.Errorf("got %+v, want one unknown", fs)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if j := Judge(ctx, lab{}.run(), Options{Definition: small}); j.Verdict != record.Unknown {
		t.Errorf("a judgement that was cancelled is %s", j.Verdict)
	}
}
