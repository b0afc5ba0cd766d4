package record

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAsExpected(t *testing.T) {
	findings := []Finding{{Promise: "rto", Verdict: Fail}, {Promise: "rpo", Verdict: Pass}, {Promise: "linearizable", Verdict: Unknown}}
	for name, c := range map[string]struct {
		verdict, expected Verdict
		breaks            []string
		unbroken          []string // promise and verdict
		want              bool
	}{
		"pass":                            {Pass, Pass, nil, nil, true},
		"pass when nothing is said":       {Pass, "", nil, nil, true},
		"fail when nothing is said":       {Fail, "", nil, nil, false},
		"unknown":                         {Unknown, Pass, nil, nil, false},
		"a record from before breaks":     {Fail, Fail, nil, nil, true},
		"its own promise broken":          {Fail, Fail, []string{"rto"}, nil, true},
		"only another promise broken":     {Fail, Fail, []string{"rpo"}, []string{"rpo pass"}, false},
		"one of two promises broken":      {Fail, Fail, []string{"rto", "rpo"}, []string{"rpo pass"}, false},
		"its own promise cannot be told":  {Fail, Fail, []string{"linearizable"}, []string{"linearizable unknown"}, false},
		"its own promise was not judged":  {Fail, Fail, []string{"refuse"}, []string{"refuse "}, false},
		"broken, and yet another verdict": {Unknown, Fail, []string{"rto"}, nil, false},
	} {
		j := &Judgement{Verdict: c.verdict, Expected: c.expected, Breaks: c.breaks, Findings: findings}
		var unbroken []string
		for _, f := range j.Unbroken() {
			unbroken = append(unbroken, f.Promise+" "+string(f.Verdict))
		}
		if diff := cmp.Diff(c.unbroken, unbroken); diff != "" {
			t.Errorf("%s: unbroken (-want +got):\n%s", name, diff)
		}
		if got := j.AsExpected(); got != c.want {
			t.Errorf("%s: AsExpected() = %v, want %v", name, got, c.want)
		}
	}
}
