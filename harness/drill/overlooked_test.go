package drill

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/record"
)

// A matcher is about its own checks, and those of the verdict about all of them.
func TestWhatASpecOverlooks(t *testing.T) {
	red := func() *Result {
		return resultOf(func(r *record.Run) {
			finding(r, "rpo", record.Fail, "1 lost")
			finding(r, "availability", record.Unknown, "no client was measured")
			r.Result.Expected, r.Result.ExpectedFailures = record.Fail, []string{"rpo"}
		})
	}
	match := func(m interface{ Match(any) (bool, error) }) func(*Result) {
		return func(r *Result) { _, _ = m.Match(r) }
	}
	for name, tt := range map[string]struct {
		assert  func(*Result)
		ignored []string
		want    []string // checks
	}{
		"nothing is asserted":                  {func(*Result) {}, nil, []string{"rpo", "availability"}},
		"a promise that was kept":              {match(RecoverWithin(0)), nil, []string{"rpo", "availability"}},
		"the promise that was broken":          {match(LoseNothing()), nil, []string{"availability"}},
		"a promise that was not measured":      {match(StayAvailable(1)), nil, []string{"rpo"}},
		"what the spec is not about":           {match(LoseNothing()), []string{"availability"}, nil},
		"the verdict as a whole":               {match(Pass()), nil, nil},
		"that it came out as expected":         {match(AsExpected()), nil, nil},
		"one verdict":                          {match(HaveVerdict(record.Fail)), nil, nil},
		"only what was ignored is not a pass":  {func(*Result) {}, []string{"availability", "rpo"}, nil},
		"a check that passed has no influence": {match(BeLinearizable()), []string{"rto"}, []string{"rpo", "availability"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := red()
			tt.assert(r)
			var got []string
			for _, f := range r.overlooked(tt.ignored) {
				got = append(got, f.Check)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("overlooked (-want +got):\n%s", diff)
			}
		})
	}
	if got := resultOf(nil).overlooked(nil); got != nil {
		t.Errorf("of a run that passed a spec overlooks %v", got)
	}
}

func TestOverlookedMessage(t *testing.T) {
	r := resultOf(func(r *record.Run) { finding(r, "rpo", record.Fail, "1 lost of 100") })
	want := "The spec asserts nothing about findings that are not a pass. Of kill-leader on local (run 2026-11-22T03-00-00Z-kill-leader-7f3a, seed 7)\n" +
		"  rpo is fail: 1 lost of 100\n" +
		"Assert on them: drill.Pass() and drill.AsExpected() assert on all of a run; what the spec is not about is named in drill.IgnoreChecks(\"rpo\")\n" +
		"report: runs/2026-11-22T03-00-00Z-kill-leader-7f3a/report.html\n" +
		"again:  holdfast replay runs/2026-11-22T03-00-00Z-kill-leader-7f3a"
	if diff := cmp.Diff(want, overlookedMessage(r, r.overlooked(nil))); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}
