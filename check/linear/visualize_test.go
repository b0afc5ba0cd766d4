package linear

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// Operations of one client that overlap are on different rows, and an unanswered one
// ends where the chart ends, not at the end of time.
func TestChartRowsDoNotOverlap(t *testing.T) {
	ops := []history.Op{
		{Kind: history.Write, Value: "a", Call: 1, Return: 9, Outcome: history.OK},
		{Kind: history.Write, Value: "b", Call: 2, Return: 3, Outcome: history.Unknown},
		{Kind: history.Read, Output: "b", Call: 10, Return: 11, Outcome: history.OK},
		{Kind: history.Read, Output: "z", Call: 12, Return: 13, Outcome: history.OK},
	}
	pointers := make([]*history.Op, len(ops))
	for i := range ops {
		pointers[i] = &ops[i]
	}
	chart := chartOps(newRegister("", pointers, &keyResult{}).linearOps(true))
	for i, a := range chart {
		if a.Return > 14 {
			t.Errorf("%d ends at %d, after the chart", i, a.Return)
		}
		for _, b := range chart[:i] {
			if a.ClientId == b.ClientId && a.Call <= b.Return {
				t.Errorf("%+v and %+v overlap on row %d", a, b, a.ClientId)
			}
		}
	}
}

func TestVisualizeRefusesTooManyOperations(t *testing.T) {
	ops := make([]history.Op, maxVerbose+1)
	for i := range ops {
		ops[i] = history.Op{Kind: history.Read, Call: time.Duration(i), Return: time.Duration(i), Outcome: history.OK}
	}
	var page bytes.Buffer
	err := Visualize(t.Context(), &page, ops)
	if err == nil || !strings.Contains(err.Error(), "2001 operations") || page.Len() > 0 {
		t.Errorf("error %v and %d bytes, want an error alone", err, page.Len())
	}
}
