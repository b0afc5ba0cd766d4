package cleanup

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Only runs of other processes that live and hold their run's lock are under way.
func TestUnderWay(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	other := exec.Command("sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	id := Self()
	id.pid = "1073741824" // no process has it
	dead := id.String()
	id = Self()
	id.pid = strconv.Itoa(other.Process.Pid)
	id.started, _ = startTime(id.pid)
	living := id.String()
	for run, owner := range map[string]string{"mine": Self().String(), "dead": dead, "living": living, "ended": living, "strange": "nonsense"} {
		lock, err := acquire(run)
		if err != nil {
			t.Fatal(err)
		}
		if run == "ended" {
			_ = lock.Close()
		} else {
			defer lock.Close()
		}
		dir, err := runDir(run)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ownerFile), []byte(owner), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := UnderWay()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		got = append(got, r.Run)
		if r.PID != other.Process.Pid || r.Since.IsZero() {
			t.Errorf("%+v", r)
		}
	}
	if diff := cmp.Diff([]string{"living"}, got); diff != "" {
		t.Errorf("under way (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(TurnFile(), os.Getenv("XDG_CACHE_HOME")) {
		t.Errorf("the turn's lock is %s", TurnFile())
	}
}
