package keyindex_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/history"
)

func ExampleNew() {
	keys := keyindex.New([]history.Op{
		{Kind: history.Write, Key: "x", Value: "a"},
		{Kind: history.Add, Key: "s", Value: "1"},
		{Kind: history.Read, Key: "x", Output: "a"},
	})
	for _, k := range keys.Registers {
		fmt.Println("register", k.Name, "has", len(k.Ops), "operations")
	}
	for _, k := range keys.Sets {
		fmt.Println("set", k.Name, "has", len(k.Ops))
	}
	// Output:
	// register x has 2 operations
	// set s has 1
}
