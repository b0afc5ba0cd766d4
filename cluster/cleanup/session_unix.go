//go:build unix

package cleanup

import "syscall"

// ownSession keeps Ctrl-C and a kill of the owner's process group from the watchdog.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
