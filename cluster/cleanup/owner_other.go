//go:build !linux

package cleanup

import (
	"os"
	"os/exec"
	"strings"
)

func thisMachine() Owner {
	host, _ := os.Hostname()
	return Owner{host: host}
}

// startTime is the wall-clock time of the process's start as ps prints it, which
// differs between boots too.
func startTime(pid string) (string, bool) {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", pid).Output()
	at := strings.NewReplacer(" ", "_", ":", ".").Replace(strings.TrimSpace(string(out)))
	return at, err == nil && at != ""
}
