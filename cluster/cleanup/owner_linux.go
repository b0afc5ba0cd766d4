package cleanup

import (
	"os"
	"strings"
)

func here() Owner {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	namespace, _ := os.Readlink("/proc/self/ns/pid") // "pid:[4026531836]"
	host, _ := os.Hostname()
	return Owner{
		boot:      strings.TrimSpace(string(boot)),
		namespace: strings.Trim(strings.TrimPrefix(namespace, "pid:"), "[]"),
		host:      host,
	}
}

// started is when the process started, in clock ticks since boot, and whether
// it runs; one that only waits for its parent to notice its death does not.
func started(pid string) (string, bool) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return "", false
	}
	// The second field is the command in brackets and may hold spaces and brackets.
	_, rest, ok := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	f := strings.Fields(rest)
	if !ok || len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return "", false
	}
	return f[19], true // field 22 of proc(5)
}
