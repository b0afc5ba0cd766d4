package arbiter_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/arbiter"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

var regions = []string{"east", "north", "south"}

// probers returns the prober of each target, by region and target.
func probers(c arbiter.Cluster, s state.HealthView) map[string]string {
	out := map[string]string{}
	for _, region := range regions {
		for _, target := range c.Nodes() {
			out[region+" for "+target] = c.ProberOf(s, region, target)
		}
	}
	return out
}

// large has n control nodes a region and four nodes more that do not probe.
func large(n int) arbiter.Cluster {
	c := arbiter.Cluster{Regions: map[string]string{}, Weights: three.Weights}
	for _, region := range regions {
		for i := range n {
			name := fmt.Sprintf("%s-%d", region, i+1)
			c.Regions[name], c.Control = region, append(c.Control, name)
		}
		for _, role := range []string{"gateway", "bus", "identity", "config"} {
			c.Regions[region+"-"+role] = region
		}
	}
	return c
}

func TestEveryTargetHasOneProberInEachRegion(t *testing.T) {
	c := large(3)
	for name, prober := range probers(c, state.HealthView{}) {
		region, target, _ := cut(name)
		if c.Regions[prober] != region || !slices.Contains(c.Control, prober) || prober == target {
			t.Errorf("%s: %q cannot be its prober", name, prober)
		}
	}
	probes := 0
	for _, n := range c.Control {
		assignments := c.ProbeTargets(state.HealthView{}, n)
		probes += len(assignments)
		if len(assignments) == 0 {
			t.Errorf("%s probes nobody", n)
		}
	}
	if want := 3 * len(c.Regions); probes != want {
		t.Errorf("%d assignments for %d nodes in three regions, want %d", probes, len(c.Regions), want)
	}
}

func cut(name string) (region, target string, ok bool) {
	var r, w string
	n, err := fmt.Sscanf(name, "%s for %s", &r, &w)
	return r, w, n == 2 && err == nil
}

// When a node is lost only its own assignments move, which is the purpose of rendezvous
// hashing. The negative control deals targets out in turn.
func TestOnlyAssignmentsOfLostNodesMove(t *testing.T) {
	c := large(5)
	before := probers(c, state.HealthView{})
	moved, own, all := 0, 0, 0
	dealtMoved := 0
	for _, victim := range c.Control {
		s := state.HealthView{Lost: []string{victim}}
		for name, now := range probers(c, s) {
			all++
			if before[name] == victim {
				own++
				if now == victim || c.Regions[now] != c.Regions[victim] {
					t.Errorf("%s: %s is lost and %q is a prober of its region", name, victim, now)
				}
			}
			if now != before[name] {
				moved++
				if before[name] != victim {
					t.Errorf("%s moved from %s to %s when %s was lost", name, before[name], now, victim)
				}
			}
			region, target, _ := cut(name)
			if deal(c, nil, region, target) != deal(c, s.Lost, region, target) {
				dealtMoved++
			}
		}
	}
	t.Logf("losing each of %d control nodes in turn moves %.1f%% of the assignments, all of them its own; dealt out in turn %.1f%% would move",
		len(c.Control), 100*float64(moved)/float64(all), 100*float64(dealtMoved)/float64(all))
	if moved != own || moved == 0 {
		t.Errorf("%d assignments moved, %d were of the lost", moved, own)
	}
	if dealtMoved < 2*moved {
		t.Errorf("dealing in turn moves %d assignments and hashing %d: this test cannot tell them apart", dealtMoved, moved)
	}
}

func deal(c arbiter.Cluster, lost []string, region, target string) string {
	var able []string
	for _, n := range c.Control {
		if c.Regions[n] == region && !slices.Contains(lost, n) {
			able = append(able, n)
		}
	}
	return able[slices.Index(c.Nodes(), target)%len(able)]
}

func TestAssignmentsAreSpread(t *testing.T) {
	for _, per := range []int{3, 5} {
		c := large(per)
		for i := range 40 { // many targets, so that chance evens out
			c.Regions[fmt.Sprintf("target-%d", i)] = "east"
		}
		fair := float64(len(c.Regions)) / float64(per)
		for _, n := range c.Control {
			if has := float64(len(c.ProbeTargets(state.HealthView{}, n))); has < fair/3 || has > 2*fair {
				t.Errorf("%s has %.0f of the assignments, a fair share is %.1f", n, has, fair)
			}
		}
	}
}

// whenDead is the health view once every live node has probed its targets.
func whenDead(c arbiter.Cluster, lost []string, gone ...string) state.HealthView {
	s := state.HealthView{Suspects: reports{}, Known: reports{}, Lost: lost}
	for _, n := range c.Control {
		s.Known[n] = c.ProbeTargets(s, n) // what the dead said last stays on record
		if slices.Contains(gone, n) {
			continue
		}
		for _, target := range s.Known[n] {
			if slices.Contains(gone, target) {
				s.Suspects[n] = append(s.Suspects[n], target)
			}
		}
	}
	return s
}

func TestADeadProberBlocksNoDecision(t *testing.T) {
	t.Run("a whole region", func(t *testing.T) {
		dead := []string{"east-1", "east-2", "east-3"}
		if diff := cmp.Diff(dead, nine.Lost(whenDead(nine, nil, dead...), "north-1")); diff != "" {
			t.Errorf("lost (-want +got):\n%s", diff)
		}
	})
	for _, target := range nine.Nodes() {
		for _, region := range regions {
			prober := nine.ProberOf(state.HealthView{}, region, target)
			t.Run(target+" and its prober "+prober, func(t *testing.T) {
				dead := []string{target, prober}
				slices.Sort(dead)
				leader := nine.Nodes()[slices.IndexFunc(nine.Nodes(), func(n string) bool { return !slices.Contains(dead, n) })]
				if diff := cmp.Diff(dead, nine.Lost(whenDead(nine, nil, dead...), leader)); diff != "" {
					t.Errorf("lost (-want +got):\n%s", diff)
				}
			})
		}
	}
	// Three at once can take several rounds: assignments move, then are found out about anew.
	t.Run("a target and two of its three probers, in the end", func(t *testing.T) {
		for _, target := range nine.Nodes() {
			for i, region := range regions {
				next := regions[(i+1)%len(regions)]
				dead := []string{target, nine.ProberOf(state.HealthView{}, region, target), nine.ProberOf(state.HealthView{}, next, target)}
				slices.Sort(dead)
				leader := nine.Nodes()[slices.IndexFunc(nine.Nodes(), func(n string) bool { return !slices.Contains(dead, n) })]
				var lost []string
				for round := 1; !cmp.Equal(dead, lost); round++ {
					if round > len(dead) {
						t.Fatalf("%v are dead, and after %d rounds only %v are lost", dead, round-1, lost)
					}
					lost = nine.Lost(whenDead(nine, lost, dead...), leader)
				}
			}
		}
	})
}

// An assignment that has just moved must neither bring a dead node back nor make a live one
// lost.
func TestANewProberChangesNoDecisionYet(t *testing.T) {
	const target = "east-1"
	lost := []string{target}
	s := whenDead(nine, lost, target)
	prober := nine.ProberOf(s, "north", target)
	s.Suspects[prober], s.Known[prober] = nil, nil // started again, say
	if diff := cmp.Diff(lost, nine.Lost(s, "south-1")); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	s.Known[prober] = []string{target} // now it has
	if got := nine.Lost(s, "south-1"); len(got) == 0 {
		t.Errorf("lost %v: two regions find it dead still", got)
	}
	other := nine.ProberOf(s, "east", target)
	s.Suspects[other], s.Known[other] = nil, []string{target}
	if got := nine.Lost(s, "south-1"); len(got) != 0 {
		t.Errorf("lost %v though two regions find it well", got)
	}
	s.Lost, s.Suspects, s.Known = nil, reports{}, reports{}
	if got := nine.Lost(s, "south-1"); len(got) != 0 {
		t.Errorf("lost %v though nobody has found out anything", got)
	}
}
