package check

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/record"
)

// whole says that the record was kept to the run's end. One that was cut off,
// by a kill or a full disk, lacks operations that were under way: a value that
// it does not know the writer of may well have been written.
func (v *view) whole() bool { return v.open() == "" && len(v.run.Partial) == 0 }

// doubt takes back what a record that is not whole cannot prove, and a run that
// ended before its time neither. That service was away for longer than the
// objective they can. A run in which a sandbox or link proxy failed proves nothing.
func (v *view) doubt(findings []record.Finding) {
	failures := v.sandboxFailures()
	for i := range findings {
		f := &findings[i]
		switch {
		case f.Verdict != record.Fail:
		case len(failures) > 0:
			f.Verdict, f.Description = record.Unknown, f.Description+" (while a part of the framework had failed)"
		case !v.whole() && f.Check != "rto":
			f.Verdict, f.Description = record.Unknown, f.Description+" (as far as a record tells that is not whole)"
		case v.run.AbortReason != "" && v.absence(f):
			f.Verdict, f.Description = record.Unknown, f.Description+" (as far as the run went, which ended before its time)"
		}
	}
}

// sandboxFailures lists the sandboxes and link proxies that failed during the run.
func (v *view) sandboxFailures() []string {
	var out []string
	for _, e := range v.run.Events {
		if e.Source == record.FromEngine && e.Kind == record.EventSandboxFailed {
			out = append(out, fmt.Sprintf("%s at %s", e.Description, seconds(e.At)))
		}
	}
	return out
}

// absence says that a finding fails for what did not happen, or not often
// enough: had the run gone on, that might have come.
func (v *view) absence(f *record.Finding) bool {
	switch f.Check {
	case "expected events", "load shedding", "disconnected operation", "availability":
		return true
	case "leader change":
		return *v.obj.LeaderChange
	case "traffic switch":
		return *v.obj.TrafficSwitch
	case "quorum loss rejection":
		return len(f.Evidence) == 0 // which are writes that were acknowledged
	}
	return false
}
