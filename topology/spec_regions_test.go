package topology_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/topology"
)

func TestResolveRegions(t *testing.T) {
	ofTarget := []topology.RegionSpec{{Region: "east", Weight: 70}, {Region: "north", Weight: 30}}
	for name, tt := range map[string]struct {
		spec topology.Spec
		want []topology.SpecRegion
	}{
		"those of the target": {topology.Spec{}, []topology.SpecRegion{{Name: "east", Weight: 70, Nodes: 1}, {Name: "north", Weight: 30, Nodes: 1}}},
		"more nodes":          {topology.Spec{Nodes: 3}, []topology.SpecRegion{{Name: "east", Weight: 70, Nodes: 3}, {Name: "north", Weight: 30, Nodes: 3}}},
		"one's own": {
			topology.Spec{Nodes: 3, Regions: []topology.SpecRegion{{Name: "paris", Nodes: 1}, {Name: "rome"}, {Name: "oslo"}}},
			[]topology.SpecRegion{{Name: "paris", Weight: 80, Nodes: 1}, {Name: "rome", Weight: 10, Nodes: 3}, {Name: "oslo", Weight: 10, Nodes: 3}},
		},
		"one's own with weights": {
			topology.Spec{Regions: []topology.SpecRegion{{Name: "paris", Weight: 1}, {Name: "rome", Weight: 2}}},
			[]topology.SpecRegion{{Name: "paris", Weight: 1, Nodes: 1}, {Name: "rome", Weight: 2, Nodes: 1}},
		},
	} {
		if diff := cmp.Diff(tt.want, tt.spec.ResolveRegions(ofTarget)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestResolveLatency(t *testing.T) {
	regions := []topology.SpecRegion{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	own := []topology.RegionLatency{{A: "a", B: "c", OneWay: time.Second}}
	if diff := cmp.Diff(own, topology.Spec{Latency: own}.ResolveLatency(regions, time.Millisecond)); diff != "" {
		t.Errorf("one's own (-want +got):\n%s", diff)
	}
	want := []topology.RegionLatency{{A: "a", B: "b", OneWay: 5}, {A: "a", B: "c", OneWay: 5}, {A: "b", B: "c", OneWay: 5}}
	if diff := cmp.Diff(want, topology.Spec{}.ResolveLatency(regions, 5)); diff != "" {
		t.Errorf("the same everywhere (-want +got):\n%s", diff)
	}
}
