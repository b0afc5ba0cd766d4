package durability

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestHoldersOfALostRegisterWrite(t *testing.T) {
	lost := []record.LostWrite{{Op: history.Op{Kind: history.Write, Key: "k", Value: "2", Call: 10, Return: 20}}}
	setHolders([]*history.Op{
		{Kind: history.Read, Key: "k", Output: "2", Node: "early", Call: 1, Return: 5, Outcome: history.OK},
		{Kind: history.Read, Key: "k", Output: "2", Node: "b", Call: 30, Return: 31, Outcome: history.OK},
		{Kind: history.Read, Key: "k", Output: "2", Node: "a", Call: 12, Return: 13, Outcome: history.OK},
		{Kind: history.Read, Key: "k", Output: "1", Node: "c", Call: 30, Return: 31, Outcome: history.OK},
		{Kind: history.Read, Key: "k", Output: "2", Node: "d", Call: 30, Return: 31, Outcome: history.OK, Final: true},
	}, lost)
	if diff := cmp.Diff([]topology.NodeID{"a", "b"}, lost[0].HeldBy); diff != "" {
		t.Errorf("held by (-want +got):\n%s", diff)
	}
}
