package scenarios_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/scenarios"
)

// What groups and repetitions come to: a step a line, with when it begins and how long it lasts.
func TestGroupsAndRepetitions(t *testing.T) {
	for name, tt := range map[string]struct {
		steps string
		want  []string
	}{
		"a step again and again": {
			"- {at: 1s, repeat: 3, every: 10s, for: 2s, fault: kill, on: {region: east}}",
			[]string{"1-kill-r1 1s 2s", "1-kill-r2 11s 2s", "1-kill-r3 21s 2s"},
		},
		"once is no repetition": {
			"- {at: 1s, repeat: 1, for: 2s, fault: kill, on: {region: east}}",
			[]string{"1-kill 1s 2s"},
		},
		"one after the other": {
			`- at: 5s
    serial:
      - {for: 2s, fault: kill, on: {region: east}}
      - {at: 1s, fault: restart, on: {region: north}}
      - {for: 3s, fault: pause, on: {region: south}}`,
			[]string{"1-1-kill 5s 2s", "1-2-restart 8s 1s", "1-3-pause 9s 3s"},
		},
		"together": {
			`- {at: 1s, for: 2s, fault: kill, on: {region: east}}
  - at: 5s
    parallel:
      - {for: 2s, fault: kill, on: {region: north}}
      - {at: 1s, for: 3s, fault: pause, on: {region: south}}`,
			[]string{"1-kill 1s 2s", "2-1-kill 5s 2s", "2-2-pause 6s 3s"},
		},
		"groups in groups, repeated": {
			`- repeat: 2
    every: 20s
    serial:
      - parallel:
          - {for: 2s, fault: kill, on: {region: east}}
          - {for: 4s, fault: pause, on: {region: north}}
      - {at: 1s, repeat: 2, every: 3s, for: 1s, fault: pause, on: {region: south}}`,
			[]string{
				"1-1-1-kill-r1 0s 2s", "1-1-2-pause-r1 0s 4s", "1-2-pause-r1-r1 5s 1s", "1-2-pause-r1-r2 8s 1s",
				"1-1-1-kill-r2 20s 2s", "1-1-2-pause-r2 20s 4s", "1-2-pause-r2-r1 25s 1s", "1-2-pause-r2-r2 28s 1s",
			},
		},
		"a group that waits": {
			`- {at: 0s, for: 5s, fault: kill, on: {region: east}}
  - at: 1s
    when: 1-kill is healed
    within: 9s
    serial:
      - {for: 2s, fault: kill, on: {region: north}}
      - {at: 1s, for: 3s, fault: pause, on: {region: south}}`,
			[]string{"1-kill 0s 5s", "2-1-kill 1s 2s when 1-kill is healed within 9s", "2-2-pause 1s 3s when 1-kill is healed within 9s and 3s"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range resolve(t, "steps:\n  "+tt.steps, 1).Steps {
				line := fmt.Sprintf("%s %v %v", s.ID, s.At, s.For)
				if !s.When.IsZero() {
					line += fmt.Sprintf(" when %s within %v", s.When, s.Within)
				}
				if s.Delay > 0 {
					line += fmt.Sprintf(" and %v", s.Delay)
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestGroupProblems(t *testing.T) {
	const kill = "{for: 1s, fault: kill, on: {region: east}}"
	deep := kill
	for range 5 {
		deep = "{serial: [" + deep + "]}"
	}
	for step, want := range map[string]string{
		"{at: 0s, every: 5s, for: 1s, fault: kill, on: {region: east}}":                         "f.yaml:3:5: steps[0].repeat: is missing: how often is the step carried out?",
		"{at: 0s, repeat: 5, for: 1s, fault: kill, on: {region: east}}":                         "f.yaml:3:5: steps[0].every: is missing: how much later does the step begin again?",
		"{at: 0s, repeat: 5, every: 1s, for: 1s, fault: kill, on: {region: east}}":              "f.yaml:3:25: steps[0].every: 1s is too short: the step may take 1s, and it would overlap itself",
		"{at: 0s, repeat: 101, every: 5s, for: 1s, fault: kill, on: {all: true}}":               "f.yaml:3:14: steps[0].repeat: 101 is out of range: want 1 to 100",
		"{at: 0s, for: 9s, ramp: 2s, fault: kill, on: {region: east}}":                          "f.yaml:3:23: steps[0].ramp: kill does not grow; what can is latency",
		"{at: 0s, for: 2s, ramp: 2s, fault: latency, on: {region: east}, with: {delay: 100ms}}": "f.yaml:3:14: steps[0].for: 2s is too short for latency to be proved: want at least ",
		"{serial: []}":                          "f.yaml:3:6: steps[0].serial: is empty: want the steps of the group",
		"{serial: 3}":                           "f.yaml:3:6: steps[0].serial: 3 is no list",
		"{serial: [" + kill + "], fault: kill}": "f.yaml:3:60: steps[0].fault: is not for a group of steps: keep either serial or fault",
		"{serial: [" + kill + "], parallel: [" + kill + "]}":                               "f.yaml:3:60: steps[0].parallel: is not for a group of steps: keep either serial or parallel",
		"{parallel: [{for: 1s, fault: kil, on: {region: east}}]}":                          `f.yaml:3:27: steps[0].parallel[0].fault: "kil" is none of `,
		"{parallel: [{for: 1s, fault: kill, on: {region: esat}}]}":                         `f.yaml:3:45: steps[0].parallel[0].on.region: "esat" is none of east, north, south; did you mean "east"?`,
		"{parallel: [{when: leader-changed, for: 1s, fault: kill, on: {region: east}}]}":   "f.yaml:3:18: steps[0].parallel[0].when: is for steps that are in no group: give it to the group",
		"{when: 1-1-kill is active, serial: [" + kill + "]}":                               "f.yaml:3:6: steps[0].when: is never reached: 1-1-kill waits for 1-1-kill",
		"{repeat: 2, every: 5s, when: leader-changed, within: 5s, serial: [" + kill + "]}": "f.yaml:3:17: steps[0].every: 5s is too short: the step may take 6s, and it would overlap itself",
		"{repeat: 100, every: 2m, for: 1s, fault: kill, on: {all: true}}":                  "f.yaml:2:1: steps: may take 3h18m1s, want at most 3h0m0s",
		deep: "groups are nested more than 4 deep",
		"{repeat: 100, every: 2m, serial: [{repeat: 100, every: 2s, for: 1s, fault: kill, on: {region: east}}]}": "f.yaml:2:1: steps: are carried out too often: want at most 1000 faults in a run",
	} {
		t.Run(step, func(t *testing.T) {
			s, err := scenarios.Parse("f.yaml", []byte("name: x\nsteps:\n  - "+step+"\n"))
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
