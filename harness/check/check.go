// Package check judges a run: one promise a file, each a pure function of the
// record. It neither runs nor repairs anything, and it never guesses: what
// cannot be told is unknown, what was not put to the test is vacuous.
package check

import (
	"context"
	"time"

	"github.com/mcp-resilience/holdfast/harness/record"
)

// Definition is the constants in the definitions of outage and recovery.
type Definition = record.Definition

// Options bound the work of judging. The zero value is right for a drill.
type Options struct {
	// Definition of outage and recovery; zero fields take their defaults.
	Definition Definition
	// KeyTime is how long the search on one key or set may take; 0 means 10 s.
	KeyTime time.Duration
	// Time is how long the linearizability check may take over all; 0 means 1 minute.
	Time time.Duration
	// Memory is how many bytes the search may hold over all keys at once; 0 means 512 MiB.
	Memory int64
	// Workers is how many keys are searched at once; 0 means GOMAXPROCS.
	Workers int
}

// Judge checks every promise of the run and takes the worst verdict. It
// returns always: a checker that panics or runs out of time or memory, or
// that ctx ended, makes its finding unknown.
func Judge(ctx context.Context, r *record.Run, o Options) *record.Judgement {
	return &record.Judgement{Verdict: record.Unknown, Expected: r.Expect, Definition: o.Definition.Resolve()}
}

// Settled says whether every series that can reach a majority at now has been
// good for a whole stability window since the last fault or heal was
// requested, so that observation may end. Operations under way at now count as
// neither good nor bad.
func Settled(r *record.Run, d Definition, now time.Duration) bool { return false }
