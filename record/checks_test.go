package record

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCanonicalCheck(t *testing.T) {
	for former, now := range formerChecks {
		if got := CanonicalCheck(former); got != now {
			t.Errorf("CanonicalCheck(%q) = %q, want %q", former, got, now)
		}
		if !slices.Contains(Checks(), now) || slices.Contains(Checks(), former) {
			t.Errorf("Checks() must hold %q and not %q", now, former)
		}
	}
	for _, id := range append(Checks(), "run", "fault 1-kill", "") {
		if got := CanonicalCheck(id); got != id {
			t.Errorf("CanonicalCheck(%q) = %q, want it unchanged", id, got)
		}
	}
}

func TestStoredRunsWithFormerCheckIDs(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		RunFile:     `{"schema":1,"id":"x","expect":"fail","breaks":["switch","rto"]}`,
		VerdictFile: `{"verdict":"fail","expected":"fail","breaks":["switch","rto"],"findings":[{"promise":"nodes","verdict":"pass"},{"promise":"switch","verdict":"fail"},{"promise":"rto","verdict":"fail"}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, load := range map[string]func(string) (*Run, error){"Load": Load, "LoadSummary": LoadSummary} {
		r, err := load(dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		breaks := []string{"traffic switch", "rto"}
		if diff := cmp.Diff(breaks, r.ExpectedFailures); diff != "" {
			t.Errorf("%s: run.json (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(breaks, r.Result.ExpectedFailures); diff != "" {
			t.Errorf("%s: verdict.json (-want +got):\n%s", name, diff)
		}
		var checks []string
		for _, f := range r.Result.Findings {
			checks = append(checks, f.Check)
		}
		if diff := cmp.Diff([]string{"node crashes", "traffic switch", "rto"}, checks); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", name, diff)
		}
		if !r.Result.AsExpected() {
			t.Errorf("%s: %+v is not as expected", name, r.Result)
		}
	}
}

// What people write down is read with its former names, and a mistake is answered with the nearest name.
func TestParseChecks(t *testing.T) {
	if got, err := ParseChecks([]string{"shed", "availability"}); err != nil || !slices.Equal(got, []string{"load shedding", "availability"}) {
		t.Errorf("got %v, %v; want the present names", got, err)
	}
	if _, err := ParseChecks([]string{"avialability"}); err == nil || !strings.HasSuffix(err.Error(), `did you mean "availability"?`) {
		t.Errorf("got %v, want the nearest name", err)
	}
}
