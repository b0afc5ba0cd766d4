//go:build unix

package cleanup

import (
	"os"
	"syscall"
)

// lock takes the file's lock or fails at once.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// ownSession keeps Ctrl-C and a kill of the owner's process group from the watchdog.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
