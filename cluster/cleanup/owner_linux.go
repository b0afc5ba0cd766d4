package cleanup

import (
	"os"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// thisMachine is the fields of an Owner that all processes here have in common.
func thisMachine() Owner {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	namespace, _ := os.Readlink("/proc/self/ns/pid") // "pid:[4026531836]"
	host, _ := os.Hostname()
	return Owner{
		boot:      strings.TrimSpace(string(boot)),
		namespace: strings.Trim(strings.TrimPrefix(namespace, "pid:"), "[]"),
		host:      host,
	}
}

// startTime is when the process started, in clock ticks since boot, and whether
// it runs; one that has ended and waits to be reaped does not.
func startTime(pid string) (string, bool) {
	n, err := strconv.Atoi(pid)
	if err != nil {
		return "", false
	}
	p, err := procfs.NewProc(n)
	if err != nil {
		return "", false
	}
	s, err := p.Stat()
	if err != nil || s.State == "Z" || s.State == "X" {
		return "", false
	}
	return strconv.FormatUint(s.Starttime, 10), true
}
