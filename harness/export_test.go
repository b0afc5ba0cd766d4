package harness

import "time"

// ReadyWithin sets how long a system may take from started nodes to first service.
func ReadyWithin(d time.Duration) { readyTimeout = d }
