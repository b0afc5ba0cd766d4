package check_test

import (
	"context"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// An acknowledged element of a set that no final read returns is a lost write.
func ExampleJudge() {
	r := &record.Run{Meta: record.Meta{Topology: topology.Topology{
		RegionSpecs: []topology.RegionSpec{{Region: "east"}},
		Nodes:       []topology.Node{{ID: "east-1", Region: "east", Voter: true}},
	}}}
	r.Ops = []history.Op{
		{ID: 1, Region: "east", Kind: history.Add, Key: "s", Value: "a", Call: 1, Return: 2, Outcome: history.OK},
		{ID: 2, Region: "east", Kind: history.Add, Key: "s", Value: "b", Call: 3, Return: 4, Outcome: history.OK},
		{
			ID: 3, Region: "east", Kind: history.SetRead, Key: "s", Set: []string{"a"}, Intended: time.Second, Call: time.Second, Return: time.Second + 1,
			Outcome: history.OK, Final: true, ReadThrough: "east-1",
		},
	}
	result := check.Judge(context.Background(), r, check.Options{})
	fmt.Println(result.Verdict, result.RPO.LostCount, "lost:", result.RPO.Lost[0].Op.Value)
	// Output: fail 1 lost: b
}
