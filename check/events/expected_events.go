package events

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// Expected judges the objective that the system reported certain events, in that order,
// in each episode after its first fault was requested. Other events may lie
// between. Events count in the order in which they happened.
func Expected(run *index.Run) []record.Finding {
	patterns := run.Objectives.ExpectEvents
	if len(patterns) == 0 {
		return nil
	}
	f := record.Finding{Check: "expected events", Verdict: record.Pass}
	reported := run.PlatformEvents()
	switch {
	case len(run.Faults) == 0:
		f.Verdict, f.Description = record.Vacuous, "there was no fault to cause them"
		return []record.Finding{f}
	case len(reported) == 0:
		f.Verdict, f.Description = record.Unknown, noEvents
		return []record.Finding{f}
	}
	episodes := run.Episodes()
	for i, e := range episodes {
		if e.Last {
			e.To = record.Forever // an event after the end of observation counts
		}
		description, evidence, complete := expectIn(e, patterns, reported)
		if len(episodes) > 1 {
			description = fmt.Sprintf("episode %d: %s", e.Number, description)
		}
		if i == 0 || !complete && f.Verdict != record.Fail {
			f.Description, f.Evidence = description, evidence
		}
		if !complete {
			f.Verdict = record.Fail
		}
	}
	return []record.Finding{f}
}

// expectIn looks for the patterns in one episode. Taking the first event
// that fits a pattern is enough: a later one leaves less to choose from.
func expectIn(e index.Episode, patterns []record.EventPattern, reported []record.Event) (description string, evidence []string, complete bool) {
	var reached []string
	for _, event := range reported {
		if event.At < e.From || event.At >= e.To || len(reached) == len(patterns) {
			continue
		}
		if next := patterns[len(reached)]; next.Matches(event) {
			after := duration.Format(event.At - e.From)
			reached = append(reached, fmt.Sprintf("%s after %s", next, after))
			evidence = append(evidence, fmt.Sprintf("%s after the first fault: %s", after, index.DescribeEvent(event)))
		}
	}
	if len(reached) == len(patterns) {
		return "observed in order: " + strings.Join(reached, ", "), evidence, true
	}
	missing := patterns[len(reached)]
	description = fmt.Sprintf("not observed: %s", missing)
	if len(reached) > 0 {
		description += fmt.Sprintf("; before it, %d of %d: %s", len(reached), len(patterns), strings.Join(reached, ", "))
	}
	if at, ok := tooEarly(missing, e, reported); ok {
		description += fmt.Sprintf(" (it came too early, after %s)", duration.Format(at))
	}
	return description, evidence, false
}

// tooEarly finds an event that is missing from its place and was reported before it.
func tooEarly(missing record.EventPattern, e index.Episode, reported []record.Event) (after time.Duration, ok bool) {
	for _, event := range reported {
		if event.At >= e.From && event.At < e.To && missing.Matches(event) {
			return event.At - e.From, true
		}
	}
	return 0, false
}
