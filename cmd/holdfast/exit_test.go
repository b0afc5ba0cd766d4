package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/mcp-resilience/holdfast/record"
)

func TestVerdictCode(t *testing.T) {
	for _, tt := range []struct {
		got, expect record.Verdict
		breaks      string
		want        int
	}{
		{record.Pass, record.Pass, "", 0},
		{record.Fail, record.Pass, "", 1},
		{record.Unknown, record.Pass, "", 2},
		{record.Vacuous, record.Pass, "", 2},
		{record.Fail, record.Fail, "", 0},
		{record.Pass, record.Fail, "", 1}, // the control did not bite
		{record.Unknown, record.Fail, "", 2},
		{record.Vacuous, record.Vacuous, "", 0},
		{record.Pass, record.Vacuous, "", 1},
		{record.Fail, record.Fail, "rpo", 0},
		{record.Fail, record.Fail, "linearizable", 1}, // it failed for another reason
		{record.Unknown, record.Fail, "rpo", 2},
	} {
		j := &record.Result{Verdict: tt.got, Expected: tt.expect, Findings: []record.Finding{
			{Check: "rpo", Verdict: record.Fail}, {Check: "linearizable", Verdict: record.Pass},
		}}
		if tt.breaks != "" {
			j.ExpectedFailures = []string{tt.breaks}
		}
		if got := resultExit(j); got != tt.want {
			t.Errorf("verdictCode of %s, expected %s of %q, is %d, want %d", tt.got, tt.expect, tt.breaks, got, tt.want)
		}
	}
}

// A control whose fault was not felt is no failed objective, and no success either.
func TestVerdictCodeOfAControlThatWasNotTested(t *testing.T) {
	j := &record.Result{Verdict: record.Fail, Expected: record.Fail, ExpectedFailures: []string{"traffic switch"}, Findings: []record.Finding{
		{Check: "fault 1-kill", Verdict: record.Vacuous}, {Check: "traffic switch", Verdict: record.Fail},
	}}
	if got := resultExit(j); got != 2 {
		t.Errorf("verdictCode is %d, want 2", got)
	}
}

func TestExitCode(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("the disk is full"), 3},
		{usageErr("unknown verb"), 64},
		{fmt.Errorf("replay: %w", usageErr("no run")), 64},
		{errors.Join(environmentErr(errors.New("no engine")), nil), 3},
		{exitWith(2), 2},
		{exitWith(0), 0},
	} {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("exitCode(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestWorse(t *testing.T) {
	for _, tt := range []struct{ a, b, want int }{
		{0, 2, 2}, {2, 1, 1}, {1, 2, 1}, {1, 0, 1}, {0, 0, 0},
	} {
		if got := worstExit(tt.a, tt.b); got != tt.want {
			t.Errorf("worse(%d, %d) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
