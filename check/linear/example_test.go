package linear_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/check/linear"
	"github.com/mcp-resilience/holdfast/history"
)

// A register that shows the old value after the new one had been acknowledged is not linearizable.
func ExampleCheck() {
	ops := []history.Op{
		{Kind: history.Write, Key: "x", Value: "a", Call: 1, Return: 2, Outcome: history.OK},
		{Kind: history.Read, Key: "x", Output: "", Call: 3, Return: 4, Outcome: history.OK},
		{Kind: history.Write, Key: "y", Value: "a", Call: 1, Return: 2, Outcome: history.OK},
	}
	result := linear.Check(context.Background(), ops, linear.Options{})
	fmt.Println("keys:", result.Keys, "linearizable:", result.Linearizable())
	for _, v := range result.Violations {
		fmt.Println("violation on", v.Key)
	}
	// Output:
	// keys: 2 linearizable: false
	// violation on x
}

// A set that only grows is decided without a search. Here a read misses an element whose add had
// been acknowledged before.
func ExampleCheck_growOnlySet() {
	ops := []history.Op{
		{Kind: history.Add, Key: "s", Value: "a", Call: 1, Return: 2, Outcome: history.OK},
		{Kind: history.SetRead, Key: "s", Set: []string{"a"}, Call: 3, Return: 4, Outcome: history.OK},
		{Kind: history.SetRead, Key: "s", Call: 5, Return: 6, Outcome: history.OK},
	}
	result := linear.Check(context.Background(), ops, linear.Options{})
	fmt.Println(result.Violations[0].Counterexample[1])
	// Output: s: it misses "a", acknowledged before, at 0.000 s
}

// A write without an answer may have taken effect at any time after its call, or never.
func ExampleCheck_unknownOutcome() {
	ops := []history.Op{
		{Kind: history.Write, Key: "x", Value: "a", Call: 1, Return: 2, Outcome: history.Unknown},
		{Kind: history.Read, Key: "x", Output: "", Call: 3, Return: 4, Outcome: history.OK},
		{Kind: history.Read, Key: "x", Output: "a", Call: 50, Return: 60, Outcome: history.OK},
	}
	result := linear.Check(context.Background(), ops, linear.Options{})
	fmt.Println(result.Linearizable())
	// Output: true
}

// The system's own revisions prove linearizability where they respect real time and every answer.
func ExampleFitsRevisionOrder() {
	ops := []history.Op{
		{Kind: history.Write, Key: "x", Value: "a", Revision: 1, Call: 1, Return: 5, Outcome: history.OK},
		{Kind: history.Read, Key: "x", Output: "a", Revision: 1, Call: 2, Return: 4, Outcome: history.OK},
	}
	fmt.Println(linear.FitsRevisionOrder(ops))
	ops[1].Output = "b"
	fmt.Println(linear.FitsRevisionOrder(ops))
	// Output:
	// true
	// false
}

func ExampleVisualize() {
	ops := []history.Op{
		{Kind: history.Write, Key: "x", Value: "a", Region: "east", Call: 1, Return: 2, Outcome: history.OK},
		{Kind: history.Read, Key: "x", Output: "", Region: "north", Call: 3, Return: 4, Outcome: history.OK},
	}
	var page bytes.Buffer
	if err := linear.Visualize(context.Background(), &page, ops); err != nil {
		fmt.Println(err)
	}
	fmt.Println(bytes.Contains(page.Bytes(), []byte("<html")), bytes.Contains(page.Bytes(), []byte("read x")))
	// Output: true true
}
