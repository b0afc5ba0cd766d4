package arbiter_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/arbiter"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

func cluster(nodes ...string) arbiter.Cluster {
	c := arbiter.Cluster{Regions: map[string]string{}, Weights: map[string]int{"east": 70, "north": 20, "south": 10}}
	for _, n := range nodes {
		c.Regions[n] = n[:len(n)-2]
	}
	c.Control, c.Voters, c.Gateways = nodes, nodes, nodes
	return c
}

var (
	three = cluster("east-1", "north-1", "south-1")
	nine  = cluster("east-1", "east-2", "east-3", "north-1", "north-2", "north-3", "south-1", "south-2", "south-3")
)

type reports = map[string][]string

// viewOf is the health view once every prober has probed its targets: a node in dead is
// dead to the probers named there, and alive to all others.
func viewOf(c arbiter.Cluster, lost []string, dead reports) state.HealthView {
	s := state.HealthView{Suspects: dead, Known: reports{}, Lost: lost}
	for _, n := range c.Control {
		s.Known[n] = c.ProbeTargets(s, n)
	}
	return s
}

func TestLost(t *testing.T) {
	for _, tc := range []struct {
		name    string
		cluster arbiter.Cluster
		lost    []string // so far
		dead    reports
		leader  string
		want    []string
	}{
		{"nobody is suspected", three, nil, nil, "north-1", nil},
		{
			"one region alone cannot decide", three, nil,
			reports{"south-1": {"east-1"}},
			"north-1", nil,
		},
		{
			"two of three regions agree", three, nil,
			reports{"north-1": {"east-1"}, "south-1": {"east-1"}},
			"north-1",
			[]string{"east-1"},
		},
		{
			"the leader leads, whatever probes say", three, nil,
			reports{"north-1": {"east-1"}, "south-1": {"east-1"}},
			"east-1", nil,
		},
		{
			"a lost node has no say", three,
			[]string{"east-1"},
			reports{"east-1": {"south-1"}, "north-1": {"south-1"}},
			"north-1", nil,
		},
		{
			"no majority would be left: the probes are wrong, the decision stays", three, nil,
			reports{
				"east-1": {"north-1", "south-1"}, "north-1": {"east-1", "south-1"}, "south-1": {"east-1", "north-1"},
			},
			"north-1", nil,
		},
		{
			"found again", three,
			[]string{"east-1"},
			reports{"south-1": {"east-1"}},
			"north-1", nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.cluster.Lost(viewOf(tc.cluster, tc.lost, tc.dead), tc.leader)); diff != "" {
				t.Errorf("lost (-want +got):\n%s", diff)
			}
		})
	}
}

func TestQuarters(t *testing.T) {
	for _, tc := range []struct {
		name string
		now  map[string]uint32
		lost []string
		step bool
		want map[string]uint32
	}{
		{"all is well", nil, nil, true, map[string]uint32{"east": 4, "north": 4, "south": 4}},
		{"one node of three is no region", nil, []string{"east-1"}, true, map[string]uint32{"east": 4, "north": 4, "south": 4}},
		{"a region goes at once", nil, []string{"east-1", "east-2", "east-3"}, false, map[string]uint32{"east": 0, "north": 4, "south": 4}},
		{"and comes back", map[string]uint32{"east": 0}, []string{"east-3"}, true, map[string]uint32{"east": 1, "north": 4, "south": 4}},
		{"but not before it is time", map[string]uint32{"east": 1}, nil, false, map[string]uint32{"east": 1, "north": 4, "south": 4}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := nine.NextQuarters(state.HealthView{WeightQuarters: tc.now}, tc.lost, tc.step)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("quarters (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMainRegion(t *testing.T) {
	if got := three.MainRegion(); got != "east" {
		t.Errorf("main region %q, want east", got)
	}
}
