package scenarios_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestTriggersAreWrittenAsTheyAreRead(t *testing.T) {
	for line, want := range map[string]scenarios.Trigger{
		"leader-changed":         {Kind: scenarios.LeaderChanged},
		"acknowledged >= 500":    {Kind: scenarios.WritesAcknowledged, Writes: 500},
		"node north-1 rejoining": {Kind: scenarios.NodeRejoining, Node: "north-1"},
		"event confirmed peer=east-1": {
			Kind: scenarios.SystemEvent, Event: record.EventPattern{Kind: "confirmed", Fields: map[string]string{"peer": "east-1"}},
		},
		"3-pause is active": {Kind: scenarios.StepReached, Step: "3-pause", State: scenarios.StepActive},
	} {
		var got scenarios.Trigger
		if err := got.UnmarshalText([]byte(line)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if diff := cmp.Diff(want, got); diff != "" || got.String() != line {
			t.Errorf("%s is written %s (-want +got):\n%s", line, got, diff)
		}
	}
}

func TestTriggerMatches(t *testing.T) {
	elected := record.Event{Source: record.FromPlatform, Kind: "elected", Node: "north-1"}
	active := record.Event{Source: record.FromProbe, Kind: record.EventActive, Fault: "3-pause"}
	for _, c := range []struct {
		line  string
		event record.Event
		want  bool
	}{
		{"leader-changed", elected, true},
		{"leader-changed", active, false},
		{"event elected node=north-1", elected, true},
		{"event elected node=south-1", elected, false},
		{"3-pause is active", active, true},
		{"3-pause is healed", active, false},
		{"2-pause is active", active, false},
		{"3-pause is healed", record.Event{Source: record.FromFault, Kind: record.EventHealConfirmed, Fault: "3-pause"}, true},
		{"acknowledged >= 1", elected, false},
		{"node north-1 rejoining", elected, false},
	} {
		var trigger scenarios.Trigger
		if err := trigger.UnmarshalText([]byte(c.line)); err != nil {
			t.Fatal(err)
		}
		if got := trigger.Matches(c.event); got != c.want {
			t.Errorf("%s matches %+v: got %v, want %v", c.line, c.event, got, c.want)
		}
	}
}

func TestTriggerProblems(t *testing.T) {
	const forms = "leader-changed, acknowledged >= NUMBER, node NAME rejoining, event KIND FIELD=VALUE …, or STEP is requested, active, healed or cleared"
	for when, want := range map[string]string{
		"when: leadr-changed":              `steps[0].when: "leadr-changed" is no trigger: want ` + forms + `; did you mean "leader-changed"?`,
		"when: acknowledged > 500":         `steps[0].when: "acknowledged > 500" counts nothing: want acknowledged >= NUMBER, such as acknowledged >= 500`,
		"when: ''":                         "steps[0].when: is empty: want " + forms,
		"when: event peer=east-1":          `steps[0].when: "peer=east-1" has no kind of event`,
		"when: 2-kill is activ":            `steps[0].when: "activ" is no state of a step: want one of requested, active, healed, cleared; did you mean "active"?`,
		"when: 2-kil is active":            `steps[0].when: "2-kil" is none of 1-kill, 2-kill; did you mean "2-kill"?`,
		"when: 1-kill is active":           "steps[0].when: is never reached: 1-kill waits for 1-kill",
		"when: 2-kill is active":           "steps[0].when: is never reached: 1-kill waits for 2-kill waits for 1-kill",
		"within: 5s":                       "steps[0].within: is the longest wait for `when`, and there is none",
		"when: leader-changed, within: 5":  "steps[0].within: 5 is no duration",
		"when: leader-changed, within: 0s": "steps[0].within: 0s is out of range: want 100ms to 1h0m0s",
		"when: node nrth-1 rejoining":      `steps[0].when: "nrth-1" is none of east-1, north-1, south-1; did you mean "north-1"?`,
	} {
		t.Run(when, func(t *testing.T) {
			other := "when: 1-kill is healed, "
			if !strings.Contains(want, "never reached") {
				other = ""
			}
			s, err := scenarios.Parse("f.yaml", []byte("name: x\nsteps:\n  - {at: 0s, for: 5s, fault: kill, on: {region: east}, "+when+"}\n  - {at: 0s, for: 5s, "+other+"fault: kill, on: {region: east}}\n"))
			if err == nil {
				_, err = s.Resolve(three(1), 1)
			}
			var all scenarios.Diagnostics
			if !errors.As(err, &all) || !strings.Contains(err.Error(), want) {
				t.Fatalf("error is %v, want %s", err, want)
			}
		})
	}
}

// A step that waits may be in force at any time until its latest end, and the preview says so.
func TestAPlanAllowsForTheWait(t *testing.T) {
	p := resolve(t, `episodes: 2
startJitter: 1ms
steps:
  - {at: 0s, for: 5s, fault: kill, on: {region: east}}
  - {at: 1s, for: 3s, fault: kill, on: {region: north}, when: 1-kill is healed}`, 1)
	second := p.Steps[1]
	if second.When.String() != "1.1-kill is healed" || second.Within != 30*time.Second || second.End()-second.At != 33*time.Second {
		t.Errorf("the second step waits for %q, %v at most, and ends %v after it began", second.When, second.Within, second.End()-second.At)
	}
	if got, want := p.Steps[3].When.String(), "2.1-kill is healed"; got != want {
		t.Errorf("in the second episode it waits for %q, want %q", got, want)
	}
	if p.Length() != p.Steps[3].End() {
		t.Errorf("the plan is %v long, want %v", p.Length(), p.Steps[3].End())
	}
	rows := p.Timeline()
	if both := rows[1]; both.Step.ID != "1.2-kill" || both.Majority {
		t.Errorf("the second kill may come while the first is in force, and the preview says otherwise: %+v", both)
	}
	stored, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := scenarios.ReadPlan(stored)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, again); diff != "" {
		t.Errorf("the plan that is stored is another (-resolved +read):\n%s", diff)
	}
	again.Steps[1].When = scenarios.Trigger{Kind: scenarios.NodeRejoining, Node: topology.NodeID("west-1")}
	if stored, err = json.Marshal(again); err != nil {
		t.Fatal(err)
	}
	if _, err := scenarios.ReadPlan(stored); err == nil || !strings.Contains(err.Error(), "west-1") {
		t.Errorf("a plan that waits for a node that there is not is read: %v", err)
	}
}
