package record

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAsExpected(t *testing.T) {
	findings := []Finding{{Check: "rto", Verdict: Fail}, {Check: "rpo", Verdict: Pass}, {Check: "linearizable", Verdict: Unknown}}
	for name, c := range map[string]struct {
		verdict, expected Verdict
		breaks            []string
		missing           []string // check and verdict
		want              bool
	}{
		"pass":                            {Pass, Pass, nil, nil, true},
		"pass when nothing is expected":   {Pass, "", nil, nil, true},
		"fail when nothing is expected":   {Fail, "", nil, nil, false},
		"unknown":                         {Unknown, Pass, nil, nil, false},
		"a record from before breaks":     {Fail, Fail, nil, nil, true},
		"the expected check failed":       {Fail, Fail, []string{"rto"}, nil, true},
		"only another check failed":       {Fail, Fail, []string{"rpo"}, []string{"rpo pass"}, false},
		"one of two checks failed":        {Fail, Fail, []string{"rto", "rpo"}, []string{"rpo pass"}, false},
		"the expected check is unknown":   {Fail, Fail, []string{"linearizable"}, []string{"linearizable unknown"}, false},
		"the expected check was not made": {Fail, Fail, []string{"quorum loss rejection"}, []string{"quorum loss rejection "}, false},
		"failed, with another verdict":    {Unknown, Fail, []string{"rto"}, nil, false},
	} {
		j := &Result{Verdict: c.verdict, Expected: c.expected, ExpectedFailures: c.breaks, Findings: findings}
		var missing []string
		for _, f := range j.MissingFailures() {
			missing = append(missing, f.Check+" "+string(f.Verdict))
		}
		if diff := cmp.Diff(c.missing, missing); diff != "" {
			t.Errorf("%s: missing (-want +got):\n%s", name, diff)
		}
		if got := j.AsExpected(); got != c.want {
			t.Errorf("%s: AsExpected() = %v, want %v", name, got, c.want)
		}
	}
}

// A control that must fail has shown nothing where its fault did not happen:
// "traffic was never moved" fails by that as well.
func TestAControlIsPutToItsTest(t *testing.T) {
	for name, c := range map[string]struct {
		run, fault Verdict
		want       bool
	}{
		"ran, and active":               {Pass, Pass, true},
		"the fault was not active":      {Pass, Vacuous, false},
		"the fault could not be caused": {Pass, Unknown, false},
		"the run was interrupted":       {Unknown, Pass, false},
	} {
		j := &Result{Verdict: Fail, Expected: Fail, ExpectedFailures: []string{"traffic switch"}, Findings: []Finding{
			{Check: "run", Verdict: c.run}, {Check: "fault 1-kill", Verdict: c.fault}, {Check: "traffic switch", Verdict: Fail},
		}}
		if got := j.AsExpected(); got != c.want {
			t.Errorf("%s: AsExpected() = %v, want %v; untested: %v", name, got, c.want, j.UnprovenFaults())
		}
	}
}
