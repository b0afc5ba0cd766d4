package build

import (
	"os/exec"
	"runtime"
	"syscall"
)

// runChild runs a command that does not outlive this process: the toolchain would go on
// building, for minutes, what nobody waits for. The kernel ends the child when the
// thread that started it ends, so the thread is kept until then.
func runChild(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this function
		err <- cmd.Run()
	}()
	return <-err
}
