package check

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/record"
)

// The fault is requested at 100 ms; with two episodes the second at 300 ms.
func TestTells(t *testing.T) {
	tell := func(at int, line string) record.Event {
		e := record.Event{At: time.Duration(at) * ms, Source: record.FromPlatform, Node: "north-1", Region: "north"}
		var told record.EventPattern
		if err := told.UnmarshalText([]byte(line)); err != nil {
			t.Fatal(err)
		}
		e.Kind, e.Fields = told.Kind, told.Fields
		return e
	}
	engine := tell(150, "elected")
	engine.Source = record.FromEngine
	for _, c := range []struct {
		name     string
		wanted   []string
		events   []record.Event
		episodes int
		verdict  record.Verdict
		says     string
	}{
		{
			"all of it, with others between",
			[]string{"confirmed", "elected", "configured source=disk"},
			[]record.Event{tell(110, "strike"), tell(120, "confirmed"), tell(121, "elected"), tell(130, "configured source=primary"), tell(140, "configured source=disk revision=7")},
			1, record.Pass, "told in order: confirmed after 20 ms, elected after 21 ms, configured source=disk after 40 ms",
		},
		{
			"heard late, happened in time",
			[]string{"confirmed", "elected"},
			[]record.Event{tell(140, "elected"), tell(120, "confirmed")},
			1, record.Pass, "elected after 40 ms",
		},
		{
			"after observation",
			[]string{"rejoined"},
			[]record.Event{tell(390, "rejoined")},
			1, record.Pass, "rejoined after 290 ms",
		},
		{
			"the same twice",
			[]string{"elected", "elected"},
			[]record.Event{tell(110, "elected"), tell(120, "elected")},
			1, record.Pass, "elected after 20 ms",
		},
		{
			"twice wanted, once told",
			[]string{"elected", "elected"},
			[]record.Event{tell(110, "elected")},
			1, record.Fail, "never told: elected; before it, 1 of 2: elected after 10 ms",
		},
		{
			"nothing of it",
			[]string{"elected", "weights"},
			[]record.Event{tell(110, "strike")},
			1, record.Fail, "never told: elected",
		},
		{
			"the first fault only, not before it",
			[]string{"elected"},
			[]record.Event{tell(99, "elected")},
			1, record.Fail, "never told: elected",
		},
		{
			"a field that differs",
			[]string{"configured source=disk"},
			[]record.Event{tell(110, "configured source=primary")},
			1, record.Fail, "never told: configured source=disk",
		},
		{
			"another region",
			[]string{"configured region=east"},
			[]record.Event{tell(110, "configured")},
			1, record.Fail, "never told: configured region=east",
		},
		{
			"in the wrong order",
			[]string{"confirmed", "elected"},
			[]record.Event{tell(110, "elected"), tell(120, "confirmed")},
			1, record.Fail, "never told: elected; before it, 1 of 2: confirmed after 20 ms (but too early, after 10 ms)",
		},
		{
			"the engine's word",
			[]string{"elected"},
			[]record.Event{tell(110, "strike"), engine},
			1, record.Fail, "never told: elected",
		},
		{"nobody tells anything", []string{"elected"}, []record.Event{engine}, 1, record.Unknown, "tells nothing of itself"},
		{
			"in both episodes",
			[]string{"elected"},
			[]record.Event{tell(110, "elected"), tell(310, "elected")},
			2, record.Pass, "episode 1: told in order: elected after 10 ms",
		},
		{
			"in the first of two",
			[]string{"elected"},
			[]record.Event{tell(110, "elected"), tell(120, "elected")},
			2, record.Fail, "episode 2: never told: elected",
		},
		{
			"in the second of two",
			[]string{"elected"},
			[]record.Event{tell(310, "elected")},
			2, record.Fail, "episode 1: never told: elected",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := lab{episodes: c.episodes}.run()
			r.Events = c.events
			for _, line := range c.wanted {
				var told record.EventPattern
				if err := told.UnmarshalText([]byte(line)); err != nil {
					t.Fatal(err)
				}
				r.Objectives.ExpectEvents = append(r.Objectives.ExpectEvents, told)
			}
			want(t, judge(t, r), "expected events", c.verdict, c.says)
		})
	}
}

// What a run that was cut off did not tell may have been about to happen.
func TestTellsOfARecordThatIsNotWhole(t *testing.T) {
	r := lab{}.run()
	r.Events = []record.Event{{At: 110 * ms, Source: record.FromPlatform, Kind: "strike"}}
	r.Objectives.ExpectEvents = []record.EventPattern{{Kind: "elected"}}
	r.Partial = []string{"events.jsonl ends in the middle of its last line"}
	want(t, judge(t, r), "expected events", record.Unknown, "not whole")
}
