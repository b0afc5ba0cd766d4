package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/record"
)

// judgeTells asserts that the system told of what it had to do, in that order,
// in each episode after its first fault was requested. Other events may lie
// between. The events count in the order in which they happened, which is not
// always that in which they were heard: a node that was cut off tells later.
func judgeTells(_ context.Context, v *view, _ *record.Result) []record.Finding {
	if len(v.obj.ExpectEvents) == 0 {
		return nil
	}
	f := record.Finding{Check: "expected events", Verdict: record.Pass}
	told := v.told()
	if len(v.faults) == 0 {
		f.Verdict, f.Description = record.Vacuous, "there was no fault to tell of"
		return []record.Finding{f}
	}
	if len(told) == 0 {
		f.Verdict, f.Description = record.Unknown, "the system tells nothing of itself"
		return []record.Finding{f}
	}
	episodes := v.episodes()
	for i, e := range episodes {
		to := forever
		if !e.last {
			to = e.to
		}
		reached, heard := follow(v.obj.ExpectEvents, told, e.from, to)
		says := fmt.Sprintf("told in order: %s", strings.Join(reached, ", "))
		if missing := v.obj.ExpectEvents[len(reached):]; len(missing) > 0 {
			if says = fmt.Sprintf("never told: %s", missing[0]); len(reached) > 0 {
				says += fmt.Sprintf("; before it, %d of %d: %s", len(reached), len(v.obj.ExpectEvents), strings.Join(reached, ", "))
			}
			says += early(missing[0], told, e.from, to)
		}
		if len(episodes) > 1 {
			says = fmt.Sprintf("episode %d: %s", e.number, says)
		}
		failed := len(reached) < len(v.obj.ExpectEvents)
		if i == 0 || failed && f.Verdict != record.Fail {
			f.Description, f.Evidence = says, heard
		}
		if failed {
			f.Verdict = record.Fail
		}
	}
	return []record.Finding{f}
}

// told lists what the system told, in the order in which it happened.
func (v *view) told() []record.Event {
	var out []record.Event
	for _, e := range v.run.Events {
		if e.Source == record.FromPlatform {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b record.Event) int { return cmp.Compare(a.At, b.At) })
	return out
}

// follow finds each wanted event after the one before it. Taking the first
// that fits is enough: whoever takes a later one has less left to choose from.
func follow(wanted []record.EventPattern, told []record.Event, from, to time.Duration) (reached, heard []string) {
	for _, e := range told {
		if e.At < from || e.At >= to || len(reached) == len(wanted) {
			continue
		}
		if next := wanted[len(reached)]; next.Matches(e) {
			reached = append(reached, fmt.Sprintf("%s after %s", next, seconds(e.At-from)))
			heard = append(heard, fmt.Sprintf("%s after the first fault: %s", seconds(e.At-from), saysEvent(e)))
		}
	}
	return reached, heard
}

// early says where an event that is missing from its place was told after all.
func early(missing record.EventPattern, told []record.Event, from, to time.Duration) string {
	for _, e := range told {
		if e.At >= from && e.At < to && missing.Matches(e) {
			return fmt.Sprintf(" (but too early, after %s)", seconds(e.At-from))
		}
	}
	return ""
}
