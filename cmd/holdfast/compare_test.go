package main

import (
	"testing"

	"github.com/mcp-resilience/holdfast/harness/record"
)

// What a variant promises decides which outcome is unexpected.
func TestUnexpectedOutcomeOfAVariant(t *testing.T) {
	lost, slow, untold := finding("rpo", record.Fail), finding("rto", record.Fail), finding("rpo", record.Unknown)
	for _, c := range []struct {
		mayLose  bool
		findings []record.Finding
		want     int
	}{
		{false, []record.Finding{finding("rpo", record.Pass)}, 0},
		{false, []record.Finding{lost}, 1},
		{true, []record.Finding{lost}, 0},
		{true, []record.Finding{lost, slow}, 1},
		{true, []record.Finding{untold}, 2},
		{true, []record.Finding{finding("stale reads", record.Fail), lost}, 1},
	} {
		if got := unexpected(classRun(c.findings...), c.mayLose); got != c.want {
			t.Errorf("one that may lose writes: %v, with %v exits %d, want %d", c.mayLose, c.findings, got, c.want)
		}
	}
	if got := unexpected(&record.Run{}, true); got != 2 {
		t.Errorf("a run that was not judged exits %d, want 2", got)
	}
}
