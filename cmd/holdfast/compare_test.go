package main

import (
	"testing"

	"github.com/mcp-resilience/holdfast/record"
)

// What a variant promises decides which outcome is unexpected.
func TestUnexpectedOutcomeOfAVariant(t *testing.T) {
	lost, slow, untold := finding("rpo", record.Fail), finding("rto", record.Fail), finding("rpo", record.Unknown)
	stale := finding("stale reads", record.Fail)
	for _, c := range []struct {
		allowedFailures []string
		findings        []record.Finding
		want            int
	}{
		{nil, []record.Finding{finding("rpo", record.Pass)}, 0},
		{nil, []record.Finding{lost}, 1},
		{[]string{"rpo"}, []record.Finding{lost}, 0},
		{[]string{"rpo"}, []record.Finding{lost, slow}, 1},
		{[]string{"rpo"}, []record.Finding{untold}, 2},
		{[]string{"rpo"}, []record.Finding{stale, lost}, 1},
		{[]string{"rpo", "stale reads"}, []record.Finding{stale, lost}, 0},
	} {
		if got := unexpectedExit(classRun(c.findings...), c.allowedFailures...); got != c.want {
			t.Errorf("one that does not promise %v, with %v, exits %d, want %d", c.allowedFailures, c.findings, got, c.want)
		}
	}
	if got := unexpectedExit(&record.Run{}, "rpo"); got != 2 {
		t.Errorf("a run that was not judged exits %d, want 2", got)
	}
}
