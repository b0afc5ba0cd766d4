package check

import "github.com/mcp-resilience/holdfast/harness/record"

// whole says that the record was kept to the run's end. One that was cut off,
// by a kill or a full disk, lacks operations that were under way: a value that
// it does not know the writer of may well have been written.
func (v *view) whole() bool { return v.open() == "" && len(v.run.Partial) == 0 }

// doubt takes back what a record that is not whole cannot prove. That service
// was away for longer than the objective it can.
func (v *view) doubt(findings []record.Finding) {
	if v.whole() {
		return
	}
	for i := range findings {
		if f := &findings[i]; f.Verdict == record.Fail && f.Promise != "rto" {
			f.Verdict, f.Says = record.Unknown, f.Says+" (as far as a record tells that is not whole)"
		}
	}
}
