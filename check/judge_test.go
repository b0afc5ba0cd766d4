package check

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = checktest.Unit

func judge(t *testing.T, r *record.Run) *record.Result {
	t.Helper()
	return Judge(t.Context(), r, Options{SLO: checktest.SLO})
}

// A perfect run passes everything: without this, red negative controls prove nothing.
func TestCleanRun(t *testing.T) {
	j := judge(t, checktest.Lab{}.Run())
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

// What a scenario can expect to fail is what is judged here, under the same ids.
func TestChecksAreTheRecords(t *testing.T) {
	r, yes := checktest.NewBank(10).Finish(), true
	r.Objectives.Availability, r.Objectives.Linearizable, r.Objectives.LeaderChange, r.Objectives.RejectWithoutQuorum = 0.5, &yes, &yes, true
	r.Objectives.DisconnectedOperation = true
	for _, op := range checktest.NewStream().Finish().Ops { // a stream as well; what they come to is not asked
		if op.Key == "feed" || op.Key == "feed/east-0" {
			r.Ops = append(r.Ops, op)
		}
	}
	r.Objectives.LoadShedding = true
	r.Objectives.Latency = map[string]time.Duration{"p99": time.Second}
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
		t.Errorf("checks (-want +got):\n%s", diff)
	}
}

func TestCheckerThatPanics(t *testing.T) {
	broken := check{"broken", func(context.Context, input, *record.Result) []record.Finding { panic("no such thing") }}
	fs := guard(context.Background(), broken, input{}, nil)
	if len(fs) != 1 || fs[0].Verdict != record.Unknown || fs[0].Check != "broken" {
		t.Errorf("got %+v, want one unknown", fs)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if j := Judge(ctx, checktest.Lab{}.Run(), Options{SLO: checktest.SLO}); j.Verdict != record.Unknown {
		t.Errorf("a run whose judging was cancelled is %s", j.Verdict)
	}
}

func TestLinearizableNotAskedFor(t *testing.T) {
	no := false
	r := &record.Run{Ops: []history.Op{{Kind: history.Write, Key: "x", Value: "a", Call: 1, Return: 2, Outcome: history.OK}, {Kind: history.Read, Key: "x", Call: 3, Return: 4, Outcome: history.OK}}}
	r.Objectives.Linearizable = &no
	j := Judge(context.Background(), r, Options{})
	for _, f := range j.Findings {
		if f.Check == "linearizable" {
			t.Errorf("judged though not asked for: %+v", f)
		}
	}
}

// Local reads are in no other figure: what a cut-off region serves says nothing of recovery.
func TestLocalReadsAreNoService(t *testing.T) {
	r := checktest.Lab{}.Run()
	plain := judge(t, r)
	for due := time.Duration(0); due < 300*ms; due += ms / 4 {
		r.Ops = append(r.Ops, history.Op{
			ID: int64(len(r.Ops) + 1), Region: "east", Kind: history.Read, Stale: true, Key: "k0", Output: "long ago",
			Intended: due, Call: due, Return: due + 50*ms, Outcome: history.Failed, Error: "refused",
		})
	}
	j := judge(t, r)
	if j.Verdict != plain.Verdict || j.RTO.Worst != plain.RTO.Worst || j.Availability.Overall != plain.Availability.Overall {
		t.Errorf("verdict %s, RTO %v, availability %v; without local reads %s, %v, %v", j.Verdict, j.RTO.Worst, j.Availability.Overall, plain.Verdict, plain.RTO.Worst, plain.Availability.Overall)
	}
}
