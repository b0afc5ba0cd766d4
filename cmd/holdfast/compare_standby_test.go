package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

func TestStandbyRow(t *testing.T) {
	lost, lostFor, rto := 7, 250*time.Millisecond, 3*time.Second
	for _, c := range []struct {
		name  string
		level string
		run   *record.Run
		want  standbyRow
		loses bool
	}{
		{"all known", "warm", classRun(finding("rpo", record.Fail)), standbyRow{
			Level: "warm", Holds: "learns: what has reached it", RTO: &rto, Lost: &lost, LostFor: &lostFor, Verdict: record.Fail, Dir: "runs/x",
		}, true},
		{"a loss that cannot be told is no figure", "hot", classRun(finding("rpo", record.Unknown)), standbyRow{
			Level: "hot", Holds: "votes: what is acknowledged", RTO: &rto, Verdict: record.Fail, Dir: "runs/x",
		}, false},
		{"aborted", "cold", &record.Run{}, standbyRow{
			Level: "cold", Holds: "nothing: the newest snapshot", Verdict: record.Unknown, Dir: "runs/x",
		}, true},
	} {
		got, allowedFailures := newStandbyRow(variantRun{variant{name: c.level}, c.run, "runs/x"})
		if diff := cmp.Diff(c.want, got); diff != "" || (len(allowedFailures) > 0) != c.loses {
			t.Errorf("%s: does not promise %v, may lose writes: %v (-want +got):\n%s", c.name, allowedFailures, c.loses, diff)
		}
	}
	var out bytes.Buffer
	warm, _ := newStandbyRow(variantRun{variant{name: "warm"}, classRun(finding("rpo", record.Fail)), "runs/x"})
	cold, _ := newStandbyRow(variantRun{variant{name: "cold"}, &record.Run{}, "runs/y"})
	if err := (&app{out: &out}).printStandby([]standbyRow{warm, cold}); err != nil {
		t.Fatal(err)
	}
	want := `level  what it holds                 RTO  lost  lost for  verdict  run
warm   learns: what has reached it   3 s  7     250 ms    fail     runs/x
cold   nothing: the newest snapshot  —    ?     ?         unknown  runs/y
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// The library's scenario of each level says the same about what it may lose.
func TestStandbyLevelsAreThoseOfTheLibrary(t *testing.T) {
	for _, l := range standbyLevels {
		var s scenarios.Scenario
		if _, err := builtin.Read("standby-"+l.name, 1, func(read *scenarios.Scenario) { s = *read }); err != nil {
			t.Fatal(err)
		}
		if s.Topology.Layout != "standby-"+l.name || (len(s.ExpectedFailures) > 0) != (len(l.allowedFailures) > 0) {
			t.Errorf("%s runs in layout %q and breaks %v; it does not promise %v", l.name, s.Topology.Layout, s.ExpectedFailures, l.allowedFailures)
		}
	}
}
