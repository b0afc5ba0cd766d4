package local

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is how much CPU a process has used in all its threads, by the clock
// that the kernel keeps for each process; see clock_getcpuclockid(3).
func cpuTime(pid int) (time.Duration, error) {
	const scheduled = 2 // the clock of time on a processor
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()), nil
}
