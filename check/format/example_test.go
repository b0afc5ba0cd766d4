package format_test

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

func ExampleOperation() {
	fmt.Println(format.Operation(&history.Op{
		ID: 7, Client: 2, Region: "east", Kind: history.Read, Key: "x", Output: "a",
		Call: 1200 * time.Millisecond, Return: 1204 * time.Millisecond, Outcome: history.OK,
	}))
	fmt.Println(format.Count(1, "key"), format.Count(2, "key"), format.Percent(0.9987))
	// Output:
	// x: 1.200 s – 1.204 s read x → "a" by east/2
	// 1 key 2 keys 99.87 %
}
