package local

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
)

// launched starts a program as a child of a runtime that is closed with the test.
func launched(t *testing.T, program string, args ...string) *child {
	t.Helper()
	r := &Runtime{spec: cluster.Spec{Run: "child-test"}, spawn: newSpawnThread()}
	c, err := r.launch(childSpec{node: "east-1", part: "node", bin: program, args: args, log: filepath.Join(t.TempDir(), "log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.kill()
		<-c.done
		r.spawn.close()
	})
	return c
}

// A pid, and the process group that is named by it, may be given to another
// process once its own has been reaped. A signal that was decided on before and
// sent after would then reach a stranger. So while a signal is being sent, a
// process that ends in just that moment must stay unreaped, and afterwards
// nothing may be sent any more.
func TestNoSignalFollowsTheReaping(t *testing.T) {
	c := launched(t, "sleep", "60")
	err := c.withPID(func(pid int) error { // a signal is on its way
		if err := signalProcess(pid, syscall.SIGKILL); err != nil {
			return err
		}
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			s, err := statOf(pid)
			if err != nil {
				return err
			}
			if s.State == "Z" {
				break
			}
			if time.Now().After(end) {
				return errors.New("it does not die")
			}
		}
		time.Sleep(100 * time.Millisecond) // in which whoever waits for its end would reap it
		if _, err := statOf(pid); err != nil {
			return errors.New("it was reaped while a signal was on its way")
		}
		if c.exited() {
			return errors.New("it counts as exited before it was reaped")
		}
		return signalGroup(pid, syscall.SIGKILL)
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.done:
	case <-time.After(10 * time.Second):
		t.Fatal("it was not reaped after the signal")
	}
	for name, send := range map[string]func() error{
		"a signal":      func() error { return c.signal(syscall.SIGTERM) },
		"a pause":       func() error { return c.pause(true) },
		"a look at CPU": func() error { _, err := c.cpuTime(); return err },
		"a cgroup":      func() error { return c.withPID(func(int) error { return nil }) },
	} {
		if err := send(); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("%s after the reaping: got %v, want %v", name, err, os.ErrProcessDone)
		}
	}
	if c.suspend(true) {
		t.Error("a process that is gone was stopped by its limiter")
	}
}
