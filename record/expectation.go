package record

import (
	"cmp"
	"slices"
	"strings"
)

// AsExpected says whether the run came out as its scenario says it must: with
// that verdict, and with every promise broken that it was to break. A control
// that fails for another reason than its own has shown nothing, and nor has one
// that was not put to its test.
func (j *Result) AsExpected() bool {
	return j.Verdict == cmp.Or(j.Expected, Pass) && len(j.MissingFailures()) == 0 && len(j.UnprovenFaults()) == 0
}

// UnprovenFaults lists what takes the meaning from a failure that was expected: the
// findings on the run as such and on its faults that do not pass. Fail is worse
// than they can be, so the verdict hides them: a promise that something
// happens is broken as well where the fault that was to cause it never was.
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

// MissingFailures lists the findings of promises that were to break and did not. One
// that was not judged is there with an empty verdict.
func (j *Result) MissingFailures() []Finding {
	var out []Finding
	for _, promise := range j.ExpectedFailures {
		i := slices.IndexFunc(j.Findings, func(f Finding) bool { return f.Check == promise })
		switch {
		case i < 0:
			out = append(out, Finding{Check: promise})
		case j.Findings[i].Verdict != Fail:
			out = append(out, j.Findings[i])
		}
	}
	return out
}
