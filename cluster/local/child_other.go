//go:build !linux

package local

import (
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// The runtime works on Linux only, see Driver's Check. What follows lets the
// rest build.

func isolate(*exec.Cmd) {}

func awaitExit(int) {}

func signalProcess(int, syscall.Signal) error { return errors.ErrUnsupported }
func signalGroup(int, syscall.Signal) error   { return errors.ErrUnsupported }

const (
	sigStop = syscall.Signal(-1)
	sigCont = syscall.Signal(-1)
)

func posixSignal(string) syscall.Signal { return syscall.Signal(-1) }

func cpuTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }
