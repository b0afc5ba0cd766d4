//go:build !linux

package build

import "os/exec"

// runChild runs a command. Only Linux ends it together with this process.
func runChild(cmd *exec.Cmd) error { return cmd.Run() }
