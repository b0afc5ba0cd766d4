package cputime

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// A child that spins is part of its parent's usage; a process that is not there is an error.
func TestOfTree(t *testing.T) {
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		t.Skip("this system has no /proc with what is read")
	}
	cmd := exec.Command("sh", "-c", "sh -c 'while :; do :; done'; true")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, child := range children(cmd.Process.Pid) {
			if p, err := os.FindProcess(child); err == nil {
				_ = p.Kill()
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	for {
		u, err := OfTree(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		own, err := OfTree(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if u.Used > 100*time.Millisecond && own.Used >= u.Used {
			break
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("the spinning child does not show: %+v", u)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if _, err := OfTree(1 << 30); err == nil {
		t.Error("a process that is not there has a usage")
	}
}
