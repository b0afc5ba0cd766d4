package events_test

import (
	"testing"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/record"
)

func TestTrafficSwitch(t *testing.T) {
	yes, no := true, false
	silent := func(*record.Run) {}
	for _, c := range []struct {
		name    string
		must    *bool
		change  func(r *record.Run)
		verdict record.Verdict
		phrase  string
	}{
		{"required and there", &yes, platformEvent(130, "weights", "north-1", ""), record.Pass, "30 ms after the first fault"},
		{"required and missing", &yes, platformEvent(130, "elected", "north-1", ""), record.Fail, "never moved"},
		{"required, before the fault only", &yes, platformEvent(90, "weights", "north-1", ""), record.Fail, "never moved"},
		{"forbidden and there", &no, platformEvent(130, "weights", "north-1", ""), record.Fail, "must not be"},
		{"forbidden and missing", &no, platformEvent(130, "elected", "north-1", ""), record.Pass, "never moved"},
		{"a system without events", &no, silent, record.Unknown, "no events"},
		{"no fault", &no, func(r *record.Run) { platformEvent(130, "elected", "north-1", "")(r); r.Faults = nil }, record.Vacuous, "no fault"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.Lab{}.Run()
			r.Objectives.TrafficSwitch = c.must
			c.change(r)
			checktest.Want(t, judge(t, r), "traffic switch", c.verdict, c.phrase)
		})
	}
}
