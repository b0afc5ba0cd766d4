package scenarios_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/scenarios"
)

// What certainly goes beyond the blast radius is refused, what may is warned of, and the rest is silent.
func TestBlastRadius(t *testing.T) {
	const (
		eastThenNorth = "steps:\n  - {at: 0s, for: 10s, fault: kill, on: {region: east}}\n  - {at: 5s, for: 10s, fault: kill, on: {region: north}}\n"
		oneByOne      = "steps:\n  - {at: 0s, for: 5s, fault: kill, on: {region: east}}\n  - {at: 6s, for: 5s, fault: kill, on: {region: north}}\n"
		eastAndLeader = "steps:\n  - {at: 0s, for: 10s, fault: kill, on: {region: east}}\n  - {at: 5s, for: 10s, fault: pause, on: {role: leader}}\n"
		waits         = "steps:\n  - {at: 0s, for: 10s, fault: kill, on: {region: east}}\n  - {at: 5s, when: 1-kill is cleared, for: 10s, fault: kill, on: {region: north}}\n"
		slow          = "steps:\n  - {at: 0s, for: 10s, fault: latency, on: {region: east}, with: {delay: 50ms}}\n  - {at: 5s, for: 10s, fault: latency, on: {region: north}, with: {delay: 50ms}}\n"
	)
	for name, tt := range map[string]struct{ radius, steps, refused, warned string }{
		"no bound":                   {"", eastThenNorth, "", ""},
		"no majority":                {"{keepQuorum: true}", eastThenNorth, "f.yaml:2:1: blastRadius: 5 s after the baseline, when 2-kill begins: no majority would be left, and blastRadius.keepQuorum forbids that", ""},
		"a majority":                 {"{keepQuorum: true}", oneByOne, "", ""},
		"two nodes":                  {"{nodes: 1}", eastThenNorth, "2 nodes would be victims at a time ([east-1 north-1]), and blastRadius.nodes allows 1", ""},
		"one node at a time":         {"{nodes: 1}", oneByOne, "", ""},
		"two regions":                {"{regions: 1, nodes: 5}", eastThenNorth, "2 regions would have victims at a time ([east north]), and blastRadius.regions allows 1", ""},
		"slow links have victims":    {"{nodes: 1}", slow, "2 nodes would be victims", ""},
		"slow links keep quorum":     {"{keepQuorum: true}", slow, "", ""},
		"if another node leads":      {"{nodes: 1}", eastAndLeader, "", "2-pause may not be injected, and the run would be unknown then: if it comes to the worst, 3 nodes would be victims"},
		"whoever leads":              {"{nodes: 1}", "steps:\n  - {at: 0s, for: 10s, fault: pause, on: {role: follower}}\n", "2 nodes would be victims", ""},
		"if the trigger fires early": {"{nodes: 1}", waits, "", "2-kill may not be injected"},
	} {
		t.Run(name, func(t *testing.T) {
			file := "name: x\n"
			if tt.radius != "" {
				file += "blastRadius: " + tt.radius + "\n"
			}
			s, err := scenarios.Parse("f.yaml", []byte(file+tt.steps))
			if err != nil {
				t.Fatal(err)
			}
			p, err := s.Resolve(three(1), 1)
			switch {
			case tt.refused == "" && err != nil:
				t.Fatal(err)
			case tt.refused != "":
				if err == nil || !strings.Contains(err.Error(), tt.refused) {
					t.Errorf("error is %v, want %s", err, tt.refused)
				}
				return
			}
			warnings := strings.Join(p.Warnings(), "\n")
			if !strings.Contains(warnings, tt.warned) || (tt.warned == "") != (warnings == "") {
				t.Errorf("warnings are %q, want %q", warnings, tt.warned)
			}
		})
	}
}

func TestGuardProblems(t *testing.T) {
	for line, want := range map[string]string{
		"guards: {}":                     "f.yaml:2:1: guards: guard nothing: want goodput, duration or events",
		"guards: {goodput: 0}":           "f.yaml:2:10: guards.goodput: is out of range: want a share above 0, at most 1",
		"guards: {goodput: 1.5}":         "f.yaml:2:10: guards.goodput: is out of range",
		"guards: {goodputFor: 5s}":       "f.yaml:2:10: guards.goodputFor: is how long the goodput may be too low: give guards.goodput as well",
		"guards: {duration: 4h}":         "f.yaml:2:10: guards.duration: 4h0m0s is out of range: want 1s to 3h0m0s",
		"guards: {events: ['']}":         "f.yaml:2:19: guards.events[0]: is empty: want the kind of an event",
		"guards: {godput: 0.5}":          `f.yaml:2:10: guards.godput: is no field here; there are goodput, goodputFor, duration, events; did you mean "goodput"?`,
		"blastRadius: {}":                "f.yaml:2:1: blastRadius: bounds nothing: want keepQuorum: true, nodes or regions",
		"blastRadius: {nodes: 0}":        "f.yaml:2:15: blastRadius.nodes: 0 is out of range: want 1 to 1000",
		"blastRadius: {keepQuorm: true}": `did you mean "keepQuorum"?`,
	} {
		_, err := scenarios.Parse("f.yaml", []byte("name: x\n"+line+"\nsteps: []\n"))
		var all scenarios.Diagnostics
		if !errors.As(err, &all) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %s", line, err, want)
		}
	}
}
