//go:build !linux

package local

import "os/exec"

func isolate(*exec.Cmd) {}
