package scenarios_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

// A role that lands on both sides of a partition, or on nobody, was found out only at
// injection, after the whole drill had been set up.
func TestOutcomes(t *testing.T) {
	for name, tt := range map[string]struct {
		step string
		want []string
	}{
		"the leader on both sides": {"fault: partition, on: {role: leader}, to: {region: east}", []string{
			"east-1 is leader 0.33: PROBLEM east-1 is on both sides, so no link is between them",
			"north-1 is leader 0.33: partition north-1 and east-1 (hold, both ways)",
			"south-1 is leader 0.33: partition south-1 and east-1 (hold, both ways)",
		}},
		"the leader elsewhere": {"fault: kill, on: {region: north, role: leader}", []string{
			"east-1 is leader 0.33: PROBLEM on: {region: north, role: leader} matches no node",
			"north-1 is leader 0.33: kill north-1",
			"south-1 is leader 0.33: PROBLEM on: {region: north, role: leader} matches no node",
		}},
		"not the leader": {"fault: pause, on: {not: {role: leader}}", []string{
			"east-1 is leader 0.33: pause north-1, south-1",
			"north-1 is leader 0.33: pause east-1, south-1",
			"south-1 is leader 0.33: pause east-1, north-1",
		}},
		"the leader and its followers are never the same": {"fault: partition, on: {role: leader}, to: {role: follower}", []string{
			"east-1 is leader 0.33: partition east-1 and north-1, south-1 (hold, both ways)",
			"north-1 is leader 0.33: partition north-1 and east-1, south-1 (hold, both ways)",
			"south-1 is leader 0.33: partition south-1 and east-1, north-1 (hold, both ways)",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			rows := resolve(t, "steps:\n  - {at: 0s, for: 5s, "+tt.step+"}", 1).Timeline()
			var got []string
			for _, o := range rows[0].Outcomes {
				line := fmt.Sprintf("%s %.2f: %s", o.Who(), o.Odds, o.Description)
				if o.Problem != "" {
					line += "PROBLEM " + o.Problem
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(rows[1].Outcomes) > 0 {
				t.Error("the heal has outcomes")
			}
		})
	}
}

// One of several nodes is drawn from the seed: the same seed draws the same, others draw others.
func TestDrawnVictims(t *testing.T) {
	holders := map[topology.Role][]topology.NodeID{topology.Leader: {"east-1"}, topology.Follower: {"north-1", "south-1"}}
	for name, tt := range map[string]struct {
		step string
		want []string // all that many seeds draw
	}{
		"a follower, whichever": {"fault: kill, on: {role: follower, count: 1}", []string{"[north-1] []", "[south-1] []"}},
		"any node":              {"fault: kill, on: {all: true, count: 1}", []string{"[east-1] []", "[north-1] []", "[south-1] []"}},
		"half of three":         {"fault: kill, on: {all: true, percent: 50}", []string{"[east-1] []", "[north-1] []", "[south-1] []"}},
		"up to two of three": {"fault: kill, on: {all: true, randomMaxPercent: 67}", []string{
			"[east-1 north-1] []", "[east-1 south-1] []", "[east-1] []", "[north-1 south-1] []", "[north-1] []", "[south-1] []",
		}},
		"two of three": {"fault: kill, on: {all: true, count: 2}", []string{"[east-1 north-1] []", "[east-1 south-1] []", "[north-1 south-1] []"}},
		"the leader and any other node": {
			"fault: partition, on: {role: leader}, to: {all: true, count: 1}", []string{"[east-1] [north-1]", "[east-1] [south-1]"},
		},
		"any node but the other side": {
			"fault: partition, on: {all: true, count: 1}, to: {role: leader}", []string{"[north-1] [east-1]", "[south-1] [east-1]"},
		},
		"two followers": {
			"fault: partition, on: {role: follower, count: 1}, to: {role: follower, count: 1}", []string{"[north-1] [south-1]", "[south-1] [north-1]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for seed := range uint64(40) {
				step := resolve(t, "steps:\n  - {at: 0s, for: 5s, "+tt.step+"}", seed+1).Steps[0]
				on, to, err := step.Victims(three(1), holders)
				if err != nil {
					t.Fatal(err)
				}
				drawn := fmt.Sprint(idsOf(on), " ", idsOf(to))
				if again, _, _ := step.Victims(three(1), holders); !slices.Equal(idsOf(on), idsOf(again)) {
					t.Errorf("seed %d drew %v, then %v", seed, idsOf(on), idsOf(again))
				}
				if !slices.Contains(got, drawn) {
					got = append(got, drawn)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is drawn from known nodes is known when the plan is made.
func TestAPlanShowsWhatIsDrawn(t *testing.T) {
	for seed := range uint64(10) {
		p := resolve(t, "steps:\n  - {at: 0s, for: 5s, fault: kill, on: {all: true, count: 1}}", seed+1)
		on, _, err := p.Steps[0].Victims(p.Topology, nil)
		row := p.Timeline()[0]
		if err != nil || row.Description != "kill "+string(on[0].ID) || !row.Majority {
			t.Errorf("the plan says %q, the run kills %v (%v)", row.Description, idsOf(on), err)
		}
	}
	for want, step := range map[string]string{
		"kill a follower":                                   "fault: kill, on: {role: follower, count: 1}",
		"kill 50 % of the followers":                        "fault: kill, on: {role: follower, percent: 50}",
		"kill up to 50 % of the followers":                  "fault: kill, on: {role: follower, randomMaxPercent: 50}",
		"kill all of east":                                  "fault: kill, on: {node: east-*}",
		"kill all but the leader":                           "fault: kill, on: {not: {role: leader}}",
		"kill all of east but the leader":                   "fault: kill, on: {region: east, not: {role: leader}}",
		"kill a node other than the leader":                 "fault: kill, on: {not: {role: leader}, count: 1}",
		"partition the leader and a node (hold, both ways)": "fault: partition, on: {role: leader}, to: {all: true, count: 1}",
	} {
		p, err := parse(t, "steps:\n  - {at: 0s, for: 5s, "+step+"}").Resolve(three(3), 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Timeline()[0].Description; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A selector that matches no node is refused, unless it says that this is allowed: then nothing is injected.
func TestAnEmptySelectionMayBeAllowed(t *testing.T) {
	for step, want := range map[string]string{
		"fault: kill, on: {node: west-*, allowEmpty: true}":                                         "nothing, because on: {node: west-*, allowEmpty: true} matches no node",
		"fault: kill, on: {region: west, count: 1, allowEmpty: true}":                               "nothing, because on: {region: west, count: 1, allowEmpty: true} matches no node",
		"fault: partition, on: {region: east}, to: {node: west-1, allowEmpty: true}":                "nothing, because to: {node: west-1, allowEmpty: true} matches no node",
		"fault: kill, on: {node: east-*, allowEmpty: true}":                                         "kill east-1",
		"fault: partition, on: {region: east}, to: {node: '[ns]*', percent: 100, allowEmpty: true}": "partition east-1 and north-1, south-1 (hold, both ways)",
	} {
		p := resolve(t, "steps:\n  - {at: 0s, for: 5s, "+step+"}", 1)
		row := p.Timeline()[0]
		if row.Description != want {
			t.Errorf("%s: got %q, want %q", step, row.Description, want)
		}
		if nothing := strings.HasPrefix(want, "nothing"); nothing && (!row.Majority || len(row.Impact.Down) > 0) {
			t.Errorf("%s: comes to nothing and has an impact: %+v", step, row.Impact)
		}
	}
	rows := resolve(t, "steps:\n  - {at: 0s, for: 5s, fault: kill, on: {region: north, role: leader, allowEmpty: true}}", 1).Timeline()
	for _, o := range rows[0].Outcomes {
		if o.Problem != "" {
			t.Errorf("%s: %s", o.Who(), o.Problem)
		}
	}
}

func TestSelectorProblems(t *testing.T) {
	for step, want := range map[string]string{
		"{node: west-*}":                      "f.yaml:3:36: steps[0].on: matches no node; there are east-1, north-1, south-1",
		"{node: 'east-['}":                    `f.yaml:3:41: steps[0].on.node: "east-[" is no pattern: want * for any characters, ? for one, [a-c] for one of several`,
		"{all: true, percent: 101}":           "f.yaml:3:52: steps[0].on.percent: 101 is out of range: want 1 to 100",
		"{all: true, percent: 50, count: 2}":  "f.yaml:3:52: steps[0].on.percent: says again how many: keep one of count, percent",
		"{randomMaxPercent: 50}":              "f.yaml:3:36: steps[0].on: says how many nodes and not which: add all: true, a region, service or role",
		"{allowEmpty: true}":                  "f.yaml:3:36: steps[0].on: chooses nobody: want region, service, role, node, all or not",
		"{all: true, randomMaxPercent: 0}":    "f.yaml:3:52: steps[0].on.randomMaxPercent: 0 is out of range: want 1 to 100",
		"{count: 1}":                          "f.yaml:3:36: steps[0].on: says how many nodes and not which: add all: true, a region, service or role",
		"{all: true, count: 0}":               "f.yaml:3:52: steps[0].on.count: 0 is out of range: want 1 to 1000",
		"{all: true, count: 4}":               "f.yaml:3:36: steps[0].on: {all: true, count: 4} wants 4 nodes, and 3 can be drawn",
		"{role: leader, count: 2}":            "f.yaml:3:36: steps[0].on: {role: leader, count: 2} wants 2 nodes, and 1 can be drawn, whichever nodes have the roles",
		"{role: leader, not: {role: leader}}": "f.yaml:3:36: steps[0].on: {role: leader, not: {role: leader}} matches no node, whichever nodes have the roles",
		"{not: {}}":                           "f.yaml:3:41: steps[0].on.not: leaves nobody out: want region, service, role or node",
		"{not: {role: leadr}}":                `f.yaml:3:47: steps[0].on.not.role: "leadr" is none of leader, follower, stream-leader; did you mean "leader"?`,
		"{not: {region: est}}":                `f.yaml:3:47: steps[0].on.not.region: "est" is none of east, north, south; did you mean "east"?`,
		"{not: {not: {role: leader}}}":        "f.yaml:3:47: steps[0].on.not.not: is no field here; there are region, service, role, node; did you mean \"node\"?",
		"{role: leader}, to: {role: leader}":  "f.yaml:3:61: steps[0].to: is the same node as on, whichever nodes have the roles",
	} {
		t.Run(step, func(t *testing.T) {
			s, err := scenarios.Parse("f.yaml", []byte("name: x\nsteps:\n  - {at: 0s, for: 5s, fault: "+faultOf(step)+", on: "+step+"}\n"))
			if err == nil {
				_, err = s.Resolve(three(1), 1)
			}
			var all scenarios.Diagnostics
			if !errors.As(err, &all) {
				t.Fatalf("error is %v, want %s", err, want)
			}
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// faultOf is a fault that may have the selectors.
func faultOf(selectors string) string {
	if strings.Contains(selectors, "to:") {
		return "partition"
	}
	return "kill"
}

func idsOf(nodes []topology.Node) []topology.NodeID {
	out := []topology.NodeID{}
	for _, n := range nodes {
		out = append(out, n.ID)
	}
	return out
}

// A cut of 50 ms was over before silence could prove it; one of 200 ms or 1 s is proved while it lasts.
func TestAFaultIsLongEnoughToBeProved(t *testing.T) {
	for step, want := range map[string]string{
		"for: 50ms, fault: partition, on: {region: east}":                      "f.yaml:3:14: steps[0].for: 50ms is too short for partition to be proved: want at least 180ms, because a link counts as cut when it was silent for longer than its round trip of 30ms and a margin; mode refuse is proved faster",
		"for: 200ms, fault: partition, on: {region: east}":                     "",
		"for: 1s, fault: partition, on: {region: east}":                        "",
		"for: 100ms, fault: isolate, on: {region: east}, with: {mode: refuse}": "",
		"for: 200ms, fault: latency, on: {region: east}, with: {delay: 500ms}": "f.yaml:3:14: steps[0].for: 200ms is too short for latency to be proved: want at least 1.08s, because a round trip takes 1.03s",
		"for: 10ms, fault: kill, on: {role: leader}":                           "f.yaml:3:14: steps[0].for: 10ms is too short for kill to be proved: want at least 50ms, because the runtime is asked for the state of each victim",
	} {
		s, err := scenarios.Parse("f.yaml", []byte("name: x\nsteps:\n  - {at: 0s, "+step+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		top := three(1)
		top.Latency = []topology.RegionLatency{{A: "east", B: "north", OneWay: 15 * time.Millisecond}}
		got := ""
		if _, err := s.Resolve(top, 1); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step, diff)
		}
	}
}
