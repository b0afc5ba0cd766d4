//go:build race

package harness_test

// linkFaults is false because Toxiproxy, which runs within this process here,
// writes and reads a field of its own without a lock.
const linkFaults = false
