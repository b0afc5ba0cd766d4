// Package workload drives a system as its users would: open-loop clients in
// each region that send on a schedule, whatever the system does, and record
// what they saw.
package workload

import (
	"context"

	"github.com/mcp-resilience/holdfast/history"
)

// Client is one simulated client of the system under test, made by a target.
// It must be safe for concurrent use, must not retry, and must report Failed
// only for operations proved to have had no effect.
type Client interface {
	// Do carries out op and returns it with Outcome, Error, Output, Swapped,
	// Set, Node, Term and Revision filled in as far as they are known. Times are
	// the caller's. When ctx ends the outcome of a write is Unknown.
	Do(ctx context.Context, op history.Op) history.Op
	Close() error
}
