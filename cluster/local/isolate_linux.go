package local

import (
	"os/exec"
	"syscall"
)

// isolate gives the process a group of its own, out of reach of a terminal's
// Ctrl-C, and ties its life to the thread that starts it.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
