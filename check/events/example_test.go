package events_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/events"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/record"
)

// A system that reports a running node as lost raises a false alarm.
func ExampleFalseAlarms() {
	r := checktest.Lab{}.Run()
	none := 0
	r.Objectives.FalseAlarms = &none
	r.Events = append(r.Events, record.Event{
		At: 50 * checktest.Unit, Source: record.FromPlatform, Kind: record.EventConfirmed, Node: "east-1",
		Fields: map[string]string{record.FieldPeer: "north-1"},
	})
	run, err := index.New(r, checktest.SLO)
	if err != nil {
		fmt.Println(err)
		return
	}
	alarms, findings := events.FalseAlarms(run)
	fmt.Println(findings[0].Verdict, alarms.FalseCount)
	// Output: fail 1
}
