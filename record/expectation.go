package record

import (
	"cmp"
	"slices"
	"strings"
)

// AsExpected reports whether the run came out as its scenario expects: with that
// verdict, and with every expected failure. A negative control that fails in another
// check than the expected ones has shown nothing, and neither has one whose fault is not proved.
func (j *Result) AsExpected() bool {
	return !j.Aborted && j.Verdict == cmp.Or(j.Expected, Pass) && len(j.MissingFailures()) == 0 && len(j.UnprovenFaults()) == 0
}

// UnprovenFaults lists the findings that make an expected failure meaningless: those on the
// run as such and on its faults that do not pass. The verdict hides them, because fail is
// worse than they can be. A check that something happens fails as well when the fault
// that should have caused it was never active.
func (j *Result) UnprovenFaults() []Finding {
	if j.Expected != Fail {
		return nil
	}
	var out []Finding
	for _, f := range j.Findings {
		if (f.Check == "run" || strings.HasPrefix(f.Check, "fault ")) && f.Verdict != Pass {
			out = append(out, f)
		}
	}
	return out
}

// MissingFailures lists the findings of the checks that should have failed and did not. A
// check that was not made is listed with an empty verdict.
func (j *Result) MissingFailures() []Finding {
	var out []Finding
	for _, check := range j.ExpectedFailures {
		i := slices.IndexFunc(j.Findings, func(f Finding) bool { return f.Check == check })
		switch {
		case i < 0:
			out = append(out, Finding{Check: check})
		case j.Findings[i].Verdict != Fail:
			out = append(out, j.Findings[i])
		}
	}
	return out
}
