//go:build unix

package local

import (
	"os"
	"syscall"
)

func stop(p *os.Process) error   { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }

// killGroup kills what a node has started; the leader must not be reaped yet.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
