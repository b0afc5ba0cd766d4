package scenarios_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestLoadPhaseFactor(t *testing.T) {
	surge := scenarios.LoadPhase{For: 10 * time.Second, Ramp: 4 * time.Second, Times: 3, Only: "writes", Regions: []topology.Region{"east"}}
	for _, c := range []struct {
		region topology.Region
		class  string
		since  time.Duration
		want   float64
	}{
		{"east", "writes", -1, 1},
		{"east", "writes", 0, 1},
		{"east", "writes", 2 * time.Second, 2},
		{"east", "writes", 4 * time.Second, 3},
		{"east", "writes", 9 * time.Second, 3},
		{"east", "writes", 10 * time.Second, 1},
		{"east", "reads", 5 * time.Second, 1},
		{"north", "writes", 5 * time.Second, 1},
	} {
		if got := surge.Factor(c.region, c.class, c.since); got != c.want {
			t.Errorf("%s of %s after %v: got %g, want %g", c.class, c.region, c.since, got, c.want)
		}
	}
}

func TestLoadPhaseProblems(t *testing.T) {
	for phase, want := range map[string]string{
		"{at: 0s, times: 2}":                                      "loadPhases[0].for: is missing",
		"{at: 0s, for: 5s}":                                       "loadPhases[0].times: is missing",
		"{at: 0s, for: 5s, times: 0}":                             "loadPhases[0].times: 0 is out of range: want 0.1 to 20",
		"{at: 0s, for: 5s, times: 21}":                            "loadPhases[0].times: 21 is out of range",
		"{at: 0s, for: 5s, ramp: 6s, times: 2}":                   "loadPhases[0].ramp: 6s is longer than the phase, 5s",
		"{at: 0s, for: 5s, times: 2, only: write}":                `loadPhases[0].only: "write" is none of reads, writes; did you mean "writes"?`,
		"{at: 0s, for: 5s, times: 2, regions: [esat]}":            `loadPhases[0].regions[0]: "esat" is none of east, north, south; did you mean "east"?`,
		"{at: 0s, for: 5s, times: 2, within: 5s}":                 "loadPhases[0].within: is the longest wait for `when`, and there is none",
		"{at: 0s, for: 5s, times: 2, when: 1-kil is healed}":      `loadPhases[0].when: "1-kil" is none of 1-kill; did you mean "1-kill"?`,
		"{at: 0s, for: 5s, times: 2, when: node est-1 rejoining}": `loadPhases[0].when: "est-1" is none of east-1`,
		"{at: 0s, for: 5s, tims: 2}":                              `did you mean "times"?`,
	} {
		s, err := scenarios.Parse("f.yaml", []byte("name: x\nsteps:\n  - {at: 0s, for: 5s, fault: kill, on: {region: east}}\nloadPhases:\n  - "+phase+"\n"))
		if err == nil {
			_, err = s.Resolve(three(1), 1)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %s", phase, err, want)
		}
	}
}

func TestLoadPhasesInAPlan(t *testing.T) {
	p := resolve(t, `episodes: 2
steps:
  - {at: 0s, for: 5s, fault: kill, on: {region: east}}
loadPhases:
  - {at: 1h, when: 1-kill is healed, for: 15s, ramp: 2s, times: 3}
`, 1)
	l := p.LoadPhases[0]
	if l.When.String() != "1.1-kill is healed" || l.Within != 30*time.Second || p.Length() != time.Hour+45*time.Second {
		t.Errorf("it waits for %q, %v at most, and the plan is %v long", l.When, l.Within, p.Length())
	}
	if got, want := l.String(), "3 times the load for 15s, changing over 2s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	stored, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := scenarios.ReadPlan(stored)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.LoadPhases, again.LoadPhases); diff != "" {
		t.Errorf("stored phases (-resolved +read):\n%s", diff)
	}
}
