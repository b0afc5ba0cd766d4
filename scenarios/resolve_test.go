package scenarios_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// parse reads a scenario with these lines after its name.
func parse(t *testing.T, lines string) scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Parse("x.yaml", []byte("name: x\n"+lines+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func resolve(t *testing.T, lines string, seed uint64) scenarios.Plan {
	t.Helper()
	p, err := parse(t, lines).Resolve(three(1), seed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got); -update rewrites it:\n%s", file, diff)
	}
}

// A plan is kept for replays, so its format must not change by accident.
func TestPlanGoldenAndRoundTrip(t *testing.T) {
	s, err := scenarios.Parse("everything.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Resolve(three(3), 7)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "plan.json", append(b, '\n'))

	var back scenarios.Plan
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Errorf("through JSON (-want +got):\n%s", diff)
	}
	again, _ := json.MarshalIndent(back, "", "  ")
	if !bytes.Equal(b, again) {
		t.Error("written again, the plan differs")
	}
	same, err := s.Resolve(three(3), 7)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, same); diff != "" {
		t.Errorf("resolved again with the same seed (-want +got):\n%s", diff)
	}
}

func TestPlanOfUnknownFaultIsNotRead(t *testing.T) {
	var p scenarios.Plan
	err := json.Unmarshal([]byte(`{"steps":[{"id":"1-kil","fault":"kil","with":{}}]}`), &p)
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte(`step 1-kil: fault: "kil" is none of`)) {
		t.Errorf("error is %v", err)
	}
}

func TestDefaults(t *testing.T) {
	p := resolve(t, "steps:\n  - {at: 1s, fault: restart, on: {region: east}}", 5)
	yes := true
	type resolved struct {
		Target            string
		Seed              uint64
		Baseline, Observe time.Duration
		Objectives        record.Objectives
		Expect            record.Verdict
		Reads             int
		Length            time.Duration
		ID                string
		Episode           int
	}
	want := resolved{
		"mcp", 5, 5 * time.Second, 40 * time.Second,
		record.Objectives{RTO: 30 * time.Second, Linearizable: &yes},
		record.Pass, 30, 2 * time.Second, "1-restart", 1,
	}
	got := resolved{p.Target, p.Seed, p.Baseline, p.Observe, p.Objectives, p.Expect, p.Load.Reads, p.Length(), p.Steps[0].ID, p.Steps[0].Episode}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSeed(t *testing.T) {
	own := "seed: 9\nsteps: []"
	if got := resolve(t, own, 0).Seed; got != 9 {
		t.Errorf("seed is %d, want the scenario's own, 9", got)
	}
	if got := resolve(t, own, 4).Seed; got != 4 {
		t.Errorf("seed is %d, want the given one, 4", got)
	}
	a, b := resolve(t, "steps: []", 0).Seed, resolve(t, "steps: []", 0).Seed
	if a == 0 || a == b || a >= 1<<53 {
		t.Errorf("random seeds %d and %d, want two different ones that JavaScript can read", a, b)
	}
	// A step's seed depends on the plan's seed and the step's name, and on no other step.
	one := resolve(t, "steps:\n  - {at: 1s, fault: restart, on: {all: true}}", 1).Steps[0].Seed
	two := resolve(t, "steps:\n  - {at: 9s, fault: restart, on: {all: true}}\n  - {at: 1s, fault: restart, on: {all: true}}", 1).Steps
	if two[1].ID != "1-restart" || two[1].Seed != one || two[0].Seed == one {
		t.Errorf("1-restart had seed %d, and beside another step %+v", one, two)
	}
	if other := resolve(t, "steps:\n  - {at: 1s, fault: restart, on: {all: true}}", 2).Steps[0].Seed; other == one {
		t.Error("another plan seed gave the same step seed")
	}
}

func TestEpisodes(t *testing.T) {
	const steps = "steps:\n  - {at: 2s, for: 3s, fault: isolate, on: {all: true}}\n  - {at: 1s, for: 1s, fault: pause, on: {all: true}}\n"
	p := resolve(t, "episodes: 3\nphase: 500ms\ngap: 10s\n"+steps, 1)
	var ids []string
	var phases []time.Duration
	begin := time.Duration(0)
	for i, s := range p.Steps {
		ids = append(ids, s.ID)
		if i%2 == 0 { // the pause, 1 s into its episode
			phase := s.At - time.Second - begin
			if phase < 0 || phase >= 500*time.Millisecond || s.Episode != i/2+1 {
				t.Errorf("%s (episode %d) has phase %v", s.ID, s.Episode, phase)
			}
			phases = append(phases, phase)
			begin = s.At - time.Second + 5*time.Second + 10*time.Second
		}
	}
	want := []string{"1.2-pause", "1.1-isolate", "2.2-pause", "2.1-isolate", "3.2-pause", "3.1-isolate"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if phases[0] == phases[1] && phases[1] == phases[2] {
		t.Errorf("phases are all %v", phases[0])
	}
	if p.Steps[1].With == p.Steps[3].With {
		t.Error("two episodes share the settings of one fault")
	}

	// Without a gap, an episode waits until its last step's objective and a
	// stability window are over: 2 s + 30 s + 5 s after it began.
	p = resolve(t, "episodes: 2\nphase: 1ms\n"+steps, 1)
	if got, want := p.Steps[2].At, 37*time.Second+time.Second; got != want {
		t.Errorf("the second episode's pause is at %v, want %v", got, want)
	}
}

func TestTimelineMergesOverlaps(t *testing.T) {
	p := resolve(t, `steps:
  - {at: 0s, for: 4s, fault: kill, on: {region: east}}
  - {at: 1s, for: 1s, fault: isolate, on: {region: north}, with: {clients: true}}
  - {at: 6s, for: 2s, fault: kill, on: {role: leader}}
  - {at: 6s, for: 1s, fault: pause, on: {region: south}}
  - {at: 9s, for: 1s, fault: pause, on: {role: follower}}`, 1)
	type row struct {
		At       string
		Says     string
		Heal     bool
		Whom     string
		Majority bool
		Eligible []topology.Region
	}
	all, none := []topology.Region{"east", "north", "south"}, []topology.Region{}
	want := []row{
		{"0s", "kill east-1", false, "[east-1]", true, all},
		{"1s", "isolate north-1 with its clients (hold)", false, "[north-1]", false, none},
		{"2s", "isolate north-1 with its clients (hold)", true, "[north-1]", true, all},
		{"4s", "kill east-1", true, "[east-1]", true, all},
		// The leader may be south-1 or another: then two of three are down.
		{"6s", "kill the leader", false, "leader, resolved at injection", false, none},
		{"6s", "pause south-1", false, "[south-1]", false, none},
		{"7s", "pause south-1", true, "[south-1]", true, all},
		{"8s", "kill the leader", true, "leader, resolved at injection", true, all},
		{"9s", "pause the followers", false, "follower, resolved at injection", false, none},
		{"10s", "pause the followers", true, "follower, resolved at injection", true, all},
	}
	var got []row
	for _, r := range p.Timeline() {
		got = append(got, row{r.At.String(), r.Description, r.Heal, r.Targets(), r.Majority, r.RegionsWithQuorum})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
