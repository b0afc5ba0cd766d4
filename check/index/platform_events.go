package index

import (
	"cmp"
	"slices"

	"github.com/mcp-resilience/holdfast/record"
)

// PlatformEvents lists what the system under test reported, in the order in
// which it happened. That is not always the order in which it was heard: a node that
// was cut off reports later.
func (x *Run) PlatformEvents() []record.Event {
	var out []record.Event
	for _, e := range x.Record.Events {
		if e.Source == record.FromPlatform {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b record.Event) int { return cmp.Compare(a.At, b.At) })
	return out
}

// DescribeEvent prints an event's kind, its node and its description.
func DescribeEvent(e record.Event) string {
	s := string(e.Kind)
	if e.Node != "" {
		s += " by " + string(e.Node)
	}
	if e.Description != "" {
		s += ": " + e.Description
	}
	return s
}
