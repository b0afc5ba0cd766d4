package local

import (
	"errors"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// isolate gives the process a group of its own, out of reach of a terminal's
// Ctrl-C, and has the kernel kill it when the thread that starts it ends.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitExit waits until a child of this process has exited, and does not reap
// it: its pid and its group stay taken.
func awaitExit(pid int) {
	for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
}

// signalProcess signals one process, signalGroup its whole group. Neither pid
// may be one that has been reaped, see child.signal.
func signalProcess(pid int, s syscall.Signal) error { return unix.Kill(pid, s) }
func signalGroup(pid int, s syscall.Signal) error   { return unix.Kill(-pid, s) }

// Signals that other systems lack.
const (
	sigStop = syscall.SIGSTOP
	sigCont = syscall.SIGCONT
)

// posixSignal is a signal by its name, such as SIGQUIT.
func posixSignal(name string) syscall.Signal { return unix.SignalNum(name) }

// cpuTime is how much CPU a process has used in all its threads, by the clock
// that the kernel keeps for each process; see clock_getcpuclockid(3). The
// ticks of /proc are too coarse for a limiter.
func cpuTime(pid int) (time.Duration, error) {
	const scheduled = 2 // the clock of time on a processor
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()), nil
}
