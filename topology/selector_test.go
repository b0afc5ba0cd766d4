package topology_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/topology"
)

func TestMatch(t *testing.T) {
	all := threeRegions()
	east := map[topology.Role][]topology.NodeID{topology.Leader: {"east-1"}, topology.Follower: {"north-1", "south-1"}}
	notLeader := topology.Exclusion{Role: topology.Leader}
	for _, tt := range []struct {
		selector topology.Selector
		want     string
	}{
		{topology.Selector{}, "[]"},
		{topology.Selector{Count: 1}, "[]"},
		{topology.Selector{All: true}, "[east-1 north-1 south-1]"},
		{topology.Selector{Role: topology.Follower}, "[north-1 south-1]"},
		{topology.Selector{Not: notLeader}, "[north-1 south-1]"},
		{topology.Selector{Region: "south", Not: notLeader}, "[south-1]"},
		{topology.Selector{Region: "east", Not: notLeader}, "[]"},
		{topology.Selector{Not: topology.Exclusion{Region: "north", Role: topology.Leader}}, "[east-1 north-1 south-1]"},
		{topology.Selector{Role: topology.Follower, Not: topology.Exclusion{Region: "north"}}, "[south-1]"},
		{topology.Selector{Node: "east-*"}, "[east-1]"},
		{topology.Selector{Node: "[en]*-1"}, "[east-1 north-1]"},
		{topology.Selector{Node: "????-1"}, "[east-1]"},
		{topology.Selector{Node: "west-*"}, "[]"},
		{topology.Selector{Node: "e["}, "[]"},
		{topology.Selector{Not: topology.Exclusion{Node: "*th-1"}}, "[east-1]"},
		{topology.Selector{Percent: 50, AllowEmpty: true}, "[]"},
	} {
		if got := names(all.Match(tt.selector, east)); got != tt.want {
			t.Errorf("%v matches %s, want %s", tt.selector, got, tt.want)
		}
	}
}

// What a selector may choose before it is known who has which role.
func TestSelect(t *testing.T) {
	for want, s := range map[string]topology.Selector{
		"[]":                       {Count: 2},
		"[east-1 north-1 south-1]": {Role: topology.Leader, Count: 1},
		"[north-1]":                {Region: "north", Not: topology.Exclusion{Role: topology.Leader}},
		"[east-1 south-1]":         {Not: topology.Exclusion{Region: "north"}},
	} {
		if got := names(threeRegions().Select(s)); got != want {
			t.Errorf("%v may choose %s, want %s", s, got, want)
		}
	}
}

func TestDraw(t *testing.T) {
	nodes := threeRegions().Nodes
	drawn := map[string]int{}
	for seed := range uint64(300) {
		one := names(topology.Draw(nodes, 1, seed))
		if again := names(topology.Draw(nodes, 1, seed)); again != one {
			t.Fatalf("seed %d drew %s, then %s", seed, one, again)
		}
		drawn[one]++
	}
	for who, times := range drawn {
		if len(drawn) != 3 || times < 60 {
			t.Errorf("%s was drawn %d times of 300: %v", who, times, drawn)
		}
	}
	if diff := cmp.Diff("[east-1 north-1 south-1]", names(topology.Draw(nodes, 5, 1))); diff != "" {
		t.Errorf("five of three (-want +got):\n%s", diff)
	}
}

func TestNumber(t *testing.T) {
	for _, tt := range []struct {
		selector topology.Selector
		of, want int
	}{
		{topology.Selector{All: true}, 9, 9},
		{topology.Selector{Count: 2}, 9, 2},
		{topology.Selector{Count: 2}, 1, 2},
		{topology.Selector{Percent: 100}, 9, 9},
		{topology.Selector{Percent: 50}, 9, 4},
		{topology.Selector{Percent: 10}, 9, 1},
		{topology.Selector{Percent: 50}, 0, 0},
		{topology.Selector{RandomMaxPercent: 10}, 9, 1},
		{topology.Selector{RandomMaxPercent: 50}, 0, 0},
	} {
		if got := tt.selector.Number(tt.of, 7); got != tt.want {
			t.Errorf("%v of %d: got %d, want %d", tt.selector, tt.of, got, tt.want)
		}
	}
	drawn := map[int]int{}
	for seed := range uint64(400) {
		drawn[topology.Selector{RandomMaxPercent: 50}.Number(9, seed)]++
	}
	for n := 1; n <= 4; n++ {
		if drawn[n] < 50 || len(drawn) != 4 {
			t.Errorf("up to 50 %% of nine nodes: drawn %v", drawn)
		}
	}
}

func TestSelectorString(t *testing.T) {
	s := topology.Selector{Role: topology.Follower, Not: topology.Exclusion{Region: "east"}, Count: 1}
	if got, want := s.String(), "{role: follower, not: {region: east}, count: 1}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func names(nodes []topology.Node) string {
	out := []topology.NodeID{}
	for _, n := range nodes {
		out = append(out, n.ID)
	}
	return fmt.Sprint(out)
}
