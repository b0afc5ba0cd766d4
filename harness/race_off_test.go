//go:build !race

package harness_test

// linkFaults says that faults of links can be injected under test.
const linkFaults = true
