package harness_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// TestEachWindowIsJudgedByItself: the window in which data is lost is red, those
// before and after it are green, and so the whole session is red for that alone.
func TestEachWindowIsJudgedByItself(t *testing.T) {
	t.Parallel()
	store := harnesstest.NewStore()
	s := startSession(t, t.Context(), config(t, store))
	window := func(name, region string, during func()) *harness.Result {
		t.Helper()
		w, err := s.Window(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		kill := inject(t, s, &faults.Kill{}, topology.Selector{Region: topology.Region(region)})
		during()
		heal(t, kill)
		r, err := w.Judge(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	nothing := func() {}
	for _, r := range []struct {
		*harness.Result
		verdict record.Verdict
		fault   string
	}{
		{window("kills the leader", "east", nothing), record.Pass, "1-kill"},
		{window("loses data", "north", func() {
			before := s.Acknowledged()
			store.DropAdds(true)
			for s.Acknowledged() < before+100 {
				time.Sleep(10 * time.Millisecond)
			}
			store.DropAdds(false)
		}), record.Fail, "2-kill"},
		{window("kills another", "south", nothing), record.Pass, "3-kill"},
	} {
		if r.Result.Result.Verdict != r.verdict {
			t.Errorf("%s came out %s, want %s: %+v", r.ID, r.Result.Result.Verdict, r.verdict, r.Result.Result.Findings)
		}
		if len(r.Faults) != 1 || r.Faults[0].ID != r.fault || r.Faults[0].Inject.Requested < 0 {
			t.Errorf("%s has faults %+v, want %s alone", r.ID, r.Faults, r.fault)
		}
		if got := r.Result.Result.RPO; got.Acked == 0 || got.FinalReads == 0 {
			t.Errorf("%s was not read back: %+v", r.ID, got)
		}
		again, err := harness.Recheck(t.Context(), r.Dir)
		if err != nil || len(again.Partial) > 0 || again.Result.Verdict != r.verdict {
			t.Errorf("%s judged again: %v, %+v", r.ID, err, again)
		}
	}
	whole := finish(t, s)
	if got := finding(whole.Run, "rpo"); got.Verdict != record.Fail {
		t.Errorf("the whole session: %+v, want the loss", got)
	}
	for _, check := range []string{"run", "rto", "fault 1-kill", "fault 3-kill"} {
		if got := finding(whole.Run, check); got.Verdict != record.Pass {
			t.Errorf("the whole session: %+v, want pass", got)
		}
	}
	if len(whole.Windows) != 3 || len(whole.Faults) != 3 {
		t.Errorf("the whole session has %d windows and %d faults, want 3 of each", len(whole.Windows), len(whole.Faults))
	}
}

// TestAWindowNeedsItsPlace: one at a time, without a fault under way, judged once.
func TestAWindowNeedsItsPlace(t *testing.T) {
	t.Parallel()
	s := startSession(t, t.Context(), config(t, harnesstest.NewStore()))
	begin := func() (*harness.Window, error) { return s.Window(t.Context(), "one") }
	refused := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	kill := inject(t, s, &faults.Kill{}, topology.Selector{Region: "south"})
	_, err := begin()
	refused(err, "1 faults are under way")
	heal(t, kill)
	w, err := begin()
	if err != nil {
		t.Fatal(err)
	}
	_, err = begin()
	refused(err, "is open: judge it first")
	if _, err := w.Judge(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = w.Judge(t.Context())
	refused(err, "was judged before")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = begin()
	refused(err, "has ended")
}
