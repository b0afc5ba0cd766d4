package events_test

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/record"
)

// The fault is requested at 100 ms; with two episodes the second at 300 ms.
func TestExpectedEvents(t *testing.T) {
	event := func(at int, line string) record.Event {
		e := record.Event{At: time.Duration(at) * ms, Source: record.FromPlatform, Node: "north-1", Region: "north"}
		var pattern record.EventPattern
		if err := pattern.UnmarshalText([]byte(line)); err != nil {
			t.Fatal(err)
		}
		e.Kind, e.Fields = pattern.Kind, pattern.Fields
		return e
	}
	engine := event(150, "elected")
	engine.Source = record.FromEngine
	for _, c := range []struct {
		name     string
		wanted   []string
		events   []record.Event
		episodes int
		verdict  record.Verdict
		phrase   string
	}{
		{
			"all of it, with others between",
			[]string{"confirmed", "elected", "configured source=disk"},
			[]record.Event{event(110, "strike"), event(120, "confirmed"), event(121, "elected"), event(130, "configured source=primary"), event(140, "configured source=disk revision=7")},
			1, record.Pass, "observed in order: confirmed after 20 ms, elected after 21 ms, configured source=disk after 40 ms",
		},
		{
			"reported late, happened in time",
			[]string{"confirmed", "elected"},
			[]record.Event{event(140, "elected"), event(120, "confirmed")},
			1, record.Pass, "elected after 40 ms",
		},
		{
			"after observation",
			[]string{"rejoined"},
			[]record.Event{event(390, "rejoined")},
			1, record.Pass, "rejoined after 290 ms",
		},
		{
			"the same twice",
			[]string{"elected", "elected"},
			[]record.Event{event(110, "elected"), event(120, "elected")},
			1, record.Pass, "elected after 20 ms",
		},
		{
			"twice expected, once observed",
			[]string{"elected", "elected"},
			[]record.Event{event(110, "elected")},
			1, record.Fail, "not observed: elected; before it, 1 of 2: elected after 10 ms",
		},
		{
			"nothing of it",
			[]string{"elected", "weights"},
			[]record.Event{event(110, "strike")},
			1, record.Fail, "not observed: elected",
		},
		{
			"the first fault only, not before it",
			[]string{"elected"},
			[]record.Event{event(99, "elected")},
			1, record.Fail, "not observed: elected",
		},
		{
			"a field that differs",
			[]string{"configured source=disk"},
			[]record.Event{event(110, "configured source=primary")},
			1, record.Fail, "not observed: configured source=disk",
		},
		{
			"another region",
			[]string{"configured region=east"},
			[]record.Event{event(110, "configured")},
			1, record.Fail, "not observed: configured region=east",
		},
		{
			"in the wrong order",
			[]string{"confirmed", "elected"},
			[]record.Event{event(110, "elected"), event(120, "confirmed")},
			1, record.Fail, "not observed: elected; before it, 1 of 2: confirmed after 20 ms (it came too early, after 10 ms)",
		},
		{
			"an event of the engine",
			[]string{"elected"},
			[]record.Event{event(110, "strike"), engine},
			1, record.Fail, "not observed: elected",
		},
		{"no events at all", []string{"elected"}, []record.Event{engine}, 1, record.Unknown, "reports no events"},
		{
			"in both episodes",
			[]string{"elected"},
			[]record.Event{event(110, "elected"), event(310, "elected")},
			2, record.Pass, "episode 1: observed in order: elected after 10 ms",
		},
		{
			"in the first of two",
			[]string{"elected"},
			[]record.Event{event(110, "elected"), event(120, "elected")},
			2, record.Fail, "episode 2: not observed: elected",
		},
		{
			"in the second of two",
			[]string{"elected"},
			[]record.Event{event(310, "elected")},
			2, record.Fail, "episode 1: not observed: elected",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.Lab{Episodes: c.episodes}.Run()
			r.Events = c.events
			for _, line := range c.wanted {
				var pattern record.EventPattern
				if err := pattern.UnmarshalText([]byte(line)); err != nil {
					t.Fatal(err)
				}
				r.Objectives.ExpectEvents = append(r.Objectives.ExpectEvents, pattern)
			}
			checktest.Want(t, judge(t, r), "expected events", c.verdict, c.phrase)
		})
	}
}

// What a run that was cut off did not report may have been about to happen.
func TestExpectedEventsOfAnIncompleteRecord(t *testing.T) {
	r := checktest.Lab{}.Run()
	r.Events = []record.Event{{At: 110 * ms, Source: record.FromPlatform, Kind: "strike"}}
	r.Objectives.ExpectEvents = []record.EventPattern{{Kind: "elected"}}
	r.Partial = []string{"events.jsonl ends in the middle of its last line"}
	checktest.Want(t, judge(t, r), "expected events", record.Unknown, "incomplete")
}

func TestExpectedEventsWithoutFaults(t *testing.T) {
	r := checktest.Lab{}.Run()
	r.Faults, r.Objectives.ExpectEvents = nil, []record.EventPattern{{Kind: "elected"}}
	r.Events = []record.Event{{At: 150 * ms, Source: record.FromPlatform, Kind: "weights", Node: "north-1"}}
	checktest.Want(t, judge(t, r), "expected events", record.Vacuous, "no fault")
}
