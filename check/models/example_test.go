package models_test

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/check/models"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/history/foreign"
)

// A read returns the old value after the new one had been acknowledged.
func ExampleJudge() {
	ops := []history.Op{
		{Kind: history.Write, Key: "x", Value: "a", Call: 1, Return: 2, Outcome: history.OK},
		{Kind: history.Read, Key: "x", Output: "", Call: 3, Return: 4, Outcome: history.OK},
	}
	r := models.Judge(context.Background(), foreign.Register, ops, models.Options{})
	fmt.Println(r.Verdict, "-", r.Description())
	// Output: fail - 1 of 1 key not as the model register says: x
}
