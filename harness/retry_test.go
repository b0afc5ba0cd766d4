package harness_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/reports"
)

// What is carried out again, and what never is.
func TestRetry(t *testing.T) {
	result := func(v record.Verdict, c record.Cause) *harness.Result {
		return &harness.Result{Run: &record.Run{Result: &record.Result{Verdict: v, Cause: c}}}
	}
	busy := func() *harness.Result { return result(record.Unknown, record.CauseEnvironment) }
	for name, tt := range map[string]struct {
		outcomes []*harness.Result // of the attempts; the last for all further ones
		err      error
		n        int
		attempts int
		verdict  record.Verdict
	}{
		"a pass is the outcome":                           {[]*harness.Result{result(record.Pass, "")}, nil, 3, 1, record.Pass},
		"a fail is never repeated":                        {[]*harness.Result{result(record.Fail, "")}, nil, 3, 1, record.Fail},
		"a busy machine that is free by then":             {[]*harness.Result{busy(), busy(), result(record.Pass, "")}, nil, 3, 3, record.Pass},
		"a fail after a busy machine is the outcome":      {[]*harness.Result{busy(), result(record.Fail, ""), result(record.Pass, "")}, nil, 3, 2, record.Fail},
		"a machine that stays busy":                       {[]*harness.Result{busy()}, nil, 2, 3, record.Unknown},
		"no retry is asked for":                           {[]*harness.Result{busy()}, nil, 0, 1, record.Unknown},
		"a fault that struck nothing":                     {[]*harness.Result{result(record.Vacuous, record.CauseScenario), result(record.Pass, "")}, nil, 1, 2, record.Pass},
		"what the system left open is looked at instead":  {[]*harness.Result{result(record.Unknown, record.CauseSystem)}, nil, 3, 1, record.Unknown},
		"what the harness left open is looked at instead": {[]*harness.Result{result(record.Unknown, record.CauseHarness)}, nil, 3, 1, record.Unknown},
		"an interrupted run":                              {[]*harness.Result{func() *harness.Result { r := busy(); r.AbortReason = "interrupted"; return r }()}, nil, 3, 1, record.Unknown},
		"an open verdict that the scenario expects":       {[]*harness.Result{func() *harness.Result { r := busy(); r.Result.Expected = record.Unknown; return r }()}, nil, 3, 1, record.Unknown},
		"an error of the environment is the caller's":     {[]*harness.Result{busy()}, errors.New("no engine"), 3, 1, record.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			got, err := harness.Retry(tt.n, func(earlier []record.Attempt) (*harness.Result, error) {
				if len(earlier) != attempts {
					t.Errorf("attempt %d is handed %d earlier ones", attempts+1, len(earlier))
				}
				r := *tt.outcomes[min(attempts, len(tt.outcomes)-1)].Run
				attempts++
				r.ID = fmt.Sprintf("r%d", attempts)
				return &harness.Result{Run: &r}, tt.err
			})
			if !errors.Is(err, tt.err) || attempts != tt.attempts || got.Result.Verdict != tt.verdict {
				t.Errorf("got %s and %v after %d attempts, want %s and %v after %d", got.Result.Verdict, err, attempts, tt.verdict, tt.err, tt.attempts)
			}
		})
	}
}

// TestARepeatedRunNamesTheOneBefore: the first run strikes nothing, the second does, and its record
// and every report of it say what came before.
func TestARepeatedRunNamesTheOneBefore(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var first *record.Run
	run, err := harness.Retry(1, func(earlier []record.Attempt) (*harness.Result, error) {
		s := harnesstest.NewStore()
		p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, time.Second)
		if len(earlier) == 0 {
			p.Steps[0].With = noop{harnesstest.Outage{Store: s}}
		}
		r, dir, err := harness.Run(t.Context(), p, harness.Options{Target: s, Runtime: clustertest.Fake(nil), Root: root, Earlier: earlier})
		if len(earlier) == 0 {
			first = r
		}
		return &harness.Result{Run: r, Dir: dir}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := record.Load(run.Dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []record.Attempt{{Run: first.ID, Verdict: first.Result.Verdict, Cause: first.Result.Cause}}
	if diff := cmp.Diff(want, loaded.Earlier); diff != "" {
		t.Errorf("earlier attempts in the record (-want +got):\n%s", diff)
	}
	var text strings.Builder
	if err := reports.Terminal(&text, loaded, run.Dir, false); err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprintf("Attempt 2; attempt 1 (%s) was %s, cause %s.", first.ID, first.Result.Verdict, first.Result.Cause); !strings.Contains(text.String(), said) {
		t.Errorf("the terminal does not say %q:\n%s", said, text.String())
	}
}
