package cleanup_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/cluster/cleanup"
)

// What this test binary is, besides a test: an owner, or the watchdog of one,
// whose sweep leaves a mark.
const (
	roleEnv = "WATCHDOG_TEST_ROLE"
	markEnv = "WATCHDOG_TEST_MARK"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "owner":
		beOwner(os.Args[1])
	case "watchdog":
		beWatchdog(os.Args[2]) // as in "-run ID"
	default:
		goleak.VerifyTestMain(m)
	}
}

func beOwner(run string) {
	_ = os.Setenv(roleEnv, "watchdog")
	if _, err := cleanup.Start(context.Background(), run, os.Args[0]); err != nil {
		println(err.Error())
		os.Exit(1)
	}
	println("up")
	time.Sleep(time.Hour) // until it is killed
}

func beWatchdog(run string) {
	err := cleanup.Guard(context.Background(), run, os.Stdin, os.Stdout, os.Stderr, []cleanup.Sweeper{{
		Name: "mark", Sweep: func(_ context.Context, run string) ([]string, error) {
			return nil, os.WriteFile(os.Getenv(markEnv), []byte(run), 0o600)
		},
	}})
	if err != nil {
		os.Exit(1)
	}
}

// asWatchdog makes this binary a watchdog when it is started again.
func asWatchdog(t *testing.T) (run, mark string) {
	t.Helper()
	mark = filepath.Join(t.TempDir(), "swept")
	t.Setenv(roleEnv, "watchdog")
	t.Setenv(markEnv, mark)
	return newRun(t), mark
}

func newRun(t *testing.T) string {
	t.Helper()
	run := "test-" + strings.ToLower(rand.Text()[:10])
	t.Cleanup(func() {
		if known(t, run) {
			t.Errorf("run %s is not forgotten", run)
			_ = cleanup.Remove(run)
		}
	})
	return run
}

func known(t *testing.T, run string) bool {
	t.Helper()
	runs, err := cleanup.Runs()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(runs, run)
}

func TestARunThatEndsWellIsNotSwept(t *testing.T) {
	run, mark := asWatchdog(t)
	g, err := cleanup.Start(t.Context(), run, os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if !known(t, run) {
		t.Error("a run under way is not known")
	}
	if _, err := cleanup.Start(t.Context(), run, os.Args[0]); err == nil || !known(t, run) {
		t.Errorf("a second owner: error %v, known %v", err, known(t, run))
	}
	for range 2 {
		if err := g.Done(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was swept (%v)", err)
	}
}

func TestARunWhoseOwnerIsKilledIsSwept(t *testing.T) {
	run, mark := asWatchdog(t)
	owner := exec.Command(os.Args[0], run)
	owner.Env = append(os.Environ(), roleEnv+"=owner")
	says, err := owner.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	if word, err := bufio.NewReader(says).ReadString('\n'); word != "up\n" {
		t.Fatalf("owner says %q (%v)", word, err)
	}
	if got := cleanup.Orphans(t.Context(), []string{run}); len(got) != 0 {
		t.Error("taken for abandoned while its owner lives")
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	for end := time.Now().Add(time.Minute); known(t, run); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not forgotten a minute after its owner's death")
		}
	}
	if got, err := os.ReadFile(mark); string(got) != run {
		t.Errorf("swept %q (%v), want %q", got, err, run)
	}
}

func TestStartFailsWhereThereIsNoWatchdog(t *testing.T) {
	for name, binary := range map[string]string{
		"no such file":                  "/nonexistent/watchdog",
		"a program that ends":           "true",
		"a program that says something": "echo",
	} {
		t.Run(name, func(t *testing.T) {
			if path, err := exec.LookPath(binary); err == nil {
				binary = path
			}
			g, err := cleanup.Start(t.Context(), newRun(t), binary)
			if err == nil || g != nil {
				t.Errorf("got %v, %v, want an error", g, err)
			}
		})
	}
	for _, run := range []string{"", ".", "..", "a/b", "../x"} {
		if _, err := cleanup.Start(t.Context(), run, "true"); err == nil {
			t.Errorf("run id %q was accepted", run)
		}
	}
}

func TestGuard(t *testing.T) {
	for name, c := range map[string]struct {
		in     string
		finds  []string // by each sweep, "!" is an error
		sweeps int      // at least; 0 is none at all
	}{
		"done":                             {"done\n", nil, 0},
		"the end without a word":           {"", nil, 2},
		"another word":                     {"dnoe\n", nil, 2},
		"a late thing and a passing error": {"", []string{"container a", "", "!", "network b"}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sweeps := 0
			var log strings.Builder
			err := cleanup.Guard(t.Context(), newRun(t), strings.NewReader(c.in), io.Discard, &log, []cleanup.Sweeper{{
				Name: "scripted", Sweep: func(context.Context, string) ([]string, error) {
					sweeps++
					if sweeps > len(c.finds) || c.finds[sweeps-1] == "" {
						return nil, nil
					}
					if c.finds[sweeps-1] == "!" {
						return nil, errors.New("busy")
					}
					return c.finds[sweeps-1 : sweeps], nil
				},
			}})
			if err != nil {
				t.Fatal(err)
			}
			if (c.sweeps == 0) != (sweeps == 0) || sweeps < c.sweeps {
				t.Errorf("%d sweeps, want at least %d", sweeps, c.sweeps)
			}
			for _, f := range c.finds {
				if f != "" && f != "!" && !strings.Contains(log.String(), "removed "+f) {
					t.Errorf("log lacks %q: %s", f, &log)
				}
			}
		})
	}
}
