// Package format prints the figures, operations and nodes that findings quote,
// the same way in every check.
package format

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// MaxEvidence bounds each list of evidence in a result. The figures beside it count all.
const MaxEvidence = 1000

// First returns at most MaxEvidence of a list.
func First[T any](all []T) []T { return all[:min(len(all), MaxEvidence)] }

// Percent prints a share and rounds it down, so that "100 %" means all.
func Percent(share float64) string {
	p := strconv.FormatFloat(float64(int64(share*1e5))/1e3, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(p, "0"), ".") + " %"
}

// Count prints a number with its noun: "1 write", "2 writes".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// List joins at most limit elements and says how many more there are.
func List[T any](all []T, limit int, one func(T) string) string {
	var b strings.Builder
	for i, element := range all {
		if i == limit {
			fmt.Fprintf(&b, " and %d more", len(all)-limit)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(one(element))
	}
	return b.String()
}

// Nodes joins the first five nodes.
func Nodes(ids []topology.NodeID) string {
	return List(ids, 5, func(id topology.NodeID) string { return string(id) })
}

// Client names who sent an operation: REGION/NUMBER.
func Client(op *history.Op) string { return fmt.Sprintf("%s/%d", op.Region, op.Client) }
