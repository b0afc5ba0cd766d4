package checktest

import (
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/record"
)

// Index indexes a run in compressed time, for checks that are made on their own.
func Index(t *testing.T, r *record.Run) *index.Run {
	t.Helper()
	run, err := index.New(r, SLO)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// Finding returns the finding of a check, and fails the test where there is none.
func Finding(t *testing.T, j *record.Result, check string) record.Finding {
	t.Helper()
	for _, f := range j.Findings {
		if f.Check == check {
			return f
		}
	}
	t.Fatalf("no finding on %q among %+v", check, j.Findings)
	return record.Finding{}
}

// Want fails the test unless the check came out as v and its description has all of the phrases.
func Want(t *testing.T, j *record.Result, check string, v record.Verdict, phrases ...string) {
	t.Helper()
	f := Finding(t, j, check)
	if f.Verdict != v {
		t.Errorf("%s is %s, want %s: %s", check, f.Verdict, v, f.Description)
	}
	for _, p := range phrases {
		if !strings.Contains(f.Description, p) {
			t.Errorf("%s has the description %q, want %q in it", check, f.Description, p)
		}
	}
}
