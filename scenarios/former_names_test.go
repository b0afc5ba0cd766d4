package scenarios_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mcp-resilience/holdfast/scenarios"
)

// A scenario file with the names of earlier versions is the same scenario.
func TestFormerNamesAreRead(t *testing.T) {
	file := "testdata/former-names.yaml"
	former, err := scenarios.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	current, err := scenarios.Parse("everything.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(current, former, cmpopts.IgnoreUnexported(scenarios.Scenario{})); diff != "" {
		t.Errorf("%s (-current names +former names):\n%s", file, diff)
	}
}

// A plan that an earlier version stored is the plan that today's version makes
// of the same scenario, so that it can be replayed.
func TestFormerPlansAreRead(t *testing.T) {
	plans := map[string]scenarios.Plan{}
	for _, name := range []string{"plan.json", "plan-former-names.json"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var p scenarios.Plan
		if err := json.Unmarshal(b, &p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plans[name] = p
	}
	if diff := cmp.Diff(plans["plan.json"], plans["plan-former-names.json"]); diff != "" {
		t.Errorf("(-current names +former names):\n%s", diff)
	}
	if p := plans["plan-former-names.json"]; p.Load.MaxInFlight != 64 || p.Load.LocalReads != 5 || p.TopologySpec.Nodes != 3 || len(p.ExpectedFailures) != 2 || !p.Objectives.RejectWithoutQuorum {
		t.Errorf("fields under former names were lost: %+v", p)
	}
}
