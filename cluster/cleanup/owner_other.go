//go:build !linux

package cleanup

import (
	"os"
	"os/exec"
	"strings"
)

func here() Owner {
	host, _ := os.Hostname()
	return Owner{host: host}
}

// started is the wall-clock time of the process's start as ps tells it. It
// tells boots apart too.
func started(pid string) (string, bool) {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", pid).Output()
	at := strings.NewReplacer(" ", "_", ":", ".").Replace(strings.TrimSpace(string(out)))
	return at, err == nil && at != ""
}
