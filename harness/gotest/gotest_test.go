package gotest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/gotest"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// recorder is a test whose failures are noted and do not fail ours.
type recorder struct {
	testing.TB
	name     string
	cleanups []func()
	failures []string
	failed   bool
	skipped  bool
}

func (r *recorder) Name() string                   { return r.name }
func (r *recorder) Helper()                        {}
func (r *recorder) Cleanup(f func())               { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Failed() bool                   { return r.failed }
func (r *recorder) Skipped() bool                  { return r.skipped }
func (r *recorder) Log(args ...any)                {}
func (r *recorder) Logf(string, ...any)            {}
func (r *recorder) Errorf(format string, a ...any) { r.note(fmt.Sprintf(format, a...)) }
func (r *recorder) Fatal(args ...any)              { r.note(fmt.Sprint(args...)); panic(stopped{}) }
func (r *recorder) Fatalf(format string, a ...any) {
	r.note(fmt.Sprintf(format, a...))
	panic(stopped{})
}
func (r *recorder) note(s string) { r.failed = true; r.failures = append(r.failures, s) }

// stopped is the panic by which a recorded test ends early.
type stopped struct{}

// run carries out a recorded test with its cleanup.
func (r *recorder) run(test func(t testing.TB)) {
	guarded := func(f func()) {
		defer func() {
			if p := recover(); p != nil {
				if _, ok := p.(stopped); !ok {
					panic(p)
				}
			}
		}()
		f()
	}
	guarded(func() { test(r) })
	for len(r.cleanups) > 0 {
		last := r.cleanups[len(r.cleanups)-1]
		r.cleanups = r.cleanups[:len(r.cleanups)-1]
		guarded(last)
	}
}

func config(t *testing.T, s *harnesstest.Store) harness.Config {
	s.Leads = "east-1"
	return harness.Config{
		Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir(), Seed: 7,
		Load: workload.Load{Reads: 100, Writes: 100}, Baseline: 2 * time.Second,
	}
}

func TestFailuresReachTheTest(t *testing.T) {
	everywhere := topology.Selector{All: true}
	outage := func(s *gotest.Session, store *harnesstest.Store) *gotest.Injection {
		return s.Inject(harnesstest.Outage{Store: store}, everywhere)
	}
	for name, tt := range map[string]struct {
		store *harnesstest.Store
		opts  []gotest.Option
		test  func(s *gotest.Session, store *harnesstest.Store)
		want  string // in the first failure; empty for a test that passes
	}{
		"a promise that is kept": {
			store: harnesstest.NewStore(),
			test: func(s *gotest.Session, store *harnesstest.Store) {
				cut := outage(s, store)
				s.Wait(5*time.Second, "no service", func(context.Context) error {
					if g := s.Goodput(); g > 0.1 {
						return fmt.Errorf("goodput is %.2f", g)
					}
					return nil
				})
				cut.Heal()
				if run := s.Finish(); run.Result.Verdict != record.Pass || len(run.Faults) != 1 {
					s.Wait(0, "a pass with one fault", func(context.Context) error {
						return fmt.Errorf("verdict %s with %d faults", run.Result.Verdict, len(run.Faults))
					})
				}
			},
		},
		"acknowledged writes are lost": {
			store: func() *harnesstest.Store { s := harnesstest.NewStore(); s.DropsAdds = true; return s }(),
			test:  func(s *gotest.Session, store *harnesstest.Store) { outage(s, store).Heal(); s.Finish() },
			want:  "fail",
		},
		"a window in which writes are lost": {
			store: harnesstest.NewStore(),
			test: func(s *gotest.Session, store *harnesstest.Store) {
				w := s.Window("loses")
				cut := outage(s, store)
				cut.Heal()
				store.DropAdds(true)
				before := s.Acknowledged()
				s.Wait(5*time.Second, "writes to lose", func(context.Context) error {
					if n := s.Acknowledged(); n < before+100 {
						return fmt.Errorf("%d more are acknowledged", n-before)
					}
					return nil
				})
				store.DropAdds(false)
				w.Judge()
			},
			want: "the window did not come out as expected",
		},
		"a loss that the test is not about": {
			store: func() *harnesstest.Store { s := harnesstest.NewStore(); s.DropsAdds = true; return s }(),
			opts:  []gotest.Option{gotest.IgnoreChecks("rpo", "linearizable")},
			test:  func(s *gotest.Session, store *harnesstest.Store) { outage(s, store).Heal(); s.Finish() },
		},
		"a check that there is not": {
			store: harnesstest.NewStore(),
			opts:  []gotest.Option{gotest.IgnoreChecks("avialability")},
			want:  `did you mean "availability"?`,
		},
		"a retry of what cannot be repeated": {
			store: harnesstest.NewStore(),
			opts:  []gotest.Option{gotest.RetryEnvironment(1)},
			want:  "gotest.RetryEnvironment is for gotest.Run",
		},
		"a session that the test forgets to finish is judged": {
			store: func() *harnesstest.Store { s := harnesstest.NewStore(); s.DropsAdds = true; return s }(),
			test:  func(s *gotest.Session, store *harnesstest.Store) { outage(s, store) },
			want:  "did not come out as expected",
		},
		"a selector that matches nothing": {
			store: harnesstest.NewStore(),
			test: func(s *gotest.Session, store *harnesstest.Store) {
				s.Inject(harnesstest.Outage{Store: store}, topology.Selector{})
			},
			want: "the selector is empty",
		},
		"a condition that does not come": {
			store: harnesstest.NewStore(),
			test: func(s *gotest.Session, _ *harnesstest.Store) {
				s.Wait(100*time.Millisecond, "the impossible", func(context.Context) error { return errors.New("it is not here") })
			},
			want: "wait for the impossible: not within 100 ms: it is not here",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t, name: t.Name()}
			r.run(func(tb testing.TB) { tt.test(gotest.Start(tb, config(t, tt.store), tt.opts...), tt.store) })
			switch {
			case tt.want == "" && r.failed:
				t.Errorf("the test failed:\n%s", strings.Join(r.failures, "\n"))
			case tt.want != "" && (len(r.failures) == 0 || !strings.Contains(r.failures[0], tt.want)):
				t.Errorf("failures %q, want the first to contain %q", r.failures, tt.want)
			}
		})
	}
}

// TestRunAgain: what the faults did not put to the test is tried again, and a loss is not.
func TestRunAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		loses    bool
		quorum   bool // it must reject writes without a quorum, and there is always one
		attempts int
		want     string // in the failure
	}{
		"an objective that nothing put to the test": {false, true, 2, "Attempt 2; attempt 1 ("},
		"a loss": {true, false, 1, "acknowledged writes lost"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := harnesstest.NewStore()
			store.DropsAdds = tt.loses
			c := config(t, store)
			c.Objectives.RejectWithoutQuorum = tt.quorum
			attempts := 0
			r := &recorder{TB: t, name: t.Name()}
			r.run(func(tb testing.TB) {
				run := gotest.Run(tb, c, func(s *gotest.Session) {
					attempts++
					s.Inject(harnesstest.Outage{Store: store}, topology.Selector{All: true}).Heal()
				}, gotest.RetryEnvironment(1))
				if len(run.Earlier) != tt.attempts-1 || run.Seed != c.Seed {
					t.Errorf("seed %d with the earlier attempts %+v, want seed %d and %d", run.Seed, run.Earlier, c.Seed, tt.attempts-1)
				}
			})
			if attempts != tt.attempts {
				t.Errorf("%d attempts, want %d", attempts, tt.attempts)
			}
			if failures := strings.Join(r.failures, "\n"); !strings.Contains(failures, tt.want) {
				t.Errorf("failures %q, want %q in them", failures, tt.want)
			}
		})
	}
}
