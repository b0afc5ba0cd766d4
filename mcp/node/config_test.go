package node_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/node"
)

// Whoever starts nodes knows the profiles by name only.
func TestEveryNamedProfileHasTimings(t *testing.T) {
	want := slices.Sorted(slices.Values(nodespec.Profiles()))
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(node.Profiles()))); diff != "" {
		t.Errorf("profiles (-named +with timings):\n%s", diff)
	}
}
