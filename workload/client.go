// Package workload drives a system as its users would. Open-loop clients in each
// region send operations on a schedule, whatever the system does, and the outcome
// of each operation is recorded. It knows no system, no fault and no verdict: a target
// makes the clients, and what the outcomes mean is for the checks.
package workload

import (
	"context"

	"github.com/mcp-resilience/holdfast/history"
)

// Client is one simulated client of the system under test, made by a target.
// It must be safe for concurrent use, must not retry, and must report Failed only
// for operations that provably had no effect.
type Client interface {
	// Do carries out op and returns it with Outcome, Error, Output, Applied,
	// Set, Node, Term and Revision filled in as far as they are known. The caller
	// sets the times. When ctx ends the outcome of a write is Unknown.
	Do(ctx context.Context, op history.Op) history.Op
	Close() error
}
