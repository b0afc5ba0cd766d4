//go:build !linux

package exec

import osexec "os/exec"

// isolate does nothing here: a program that ignores the end of its input outlives a killed holdfast.
func isolate(*osexec.Cmd) {}

// killGroup ends the process, but not what it has started.
func killGroup(cmd *osexec.Cmd) { _ = cmd.Process.Kill() }

func awaitExit(int) bool { return false }
