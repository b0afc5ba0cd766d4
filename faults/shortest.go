package faults

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
)

// ProofTimer is a fault whose proof takes its time. ProofTime is how long a fault must last to be
// proved while it lasts, where a round trip over its links takes roundTrip, and why.
type ProofTimer interface {
	ProofTime(roundTrip time.Duration) (shortest time.Duration, why string)
}

// The times are twice what BenchmarkProofs measures on a free machine of two cores, rounded.
const (
	stateProof     = 50 * time.Millisecond // 0.2 ms locally; an engine answers in some 20 ms
	silenceProof   = 150 * time.Millisecond
	pauseProof     = 200 * time.Millisecond
	latencyProof   = 50 * time.Millisecond // beside the round trip itself
	bandwidthProof = 800 * time.Millisecond
	throttleProof  = time.Second
)

// Shortest is the shortest time that a fault may be asked to last, and the reason.
func Shortest(f Fault, roundTrip time.Duration) (shortest time.Duration, why string) {
	if p, ok := f.(ProofTimer); ok {
		return p.ProofTime(roundTrip)
	}
	return stateProof, "the runtime is asked for the state of each victim"
}

// ProofTime implements ProofTimer.
func (p *Partition) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	return p.cut().proofTime(roundTrip)
}

// ProofTime implements ProofTimer.
func (i *Isolate) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	return i.cut().proofTime(roundTrip)
}

func (c cut) proofTime(roundTrip time.Duration) (time.Duration, string) {
	if c.mode == links.Refuse || c.mode == links.Reset {
		return stateProof + roundTrip, fmt.Sprintf("a link is probed for a round trip of %v; the answer, an error, comes at once", roundTrip)
	}
	return silenceProof + roundTrip, fmt.Sprintf("a link counts as cut when it was silent for longer than its round trip of %v and a margin; mode refuse is proved faster", roundTrip)
}

// ProofTime implements ProofTimer.
func (l *Latency) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	added := 2 * (l.Delay + l.Jitter)
	return latencyProof + roundTrip + added, fmt.Sprintf("a round trip takes %v", roundTrip+added)
}

// ProofTime implements ProofTimer.
func (b *Bandwidth) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	return bandwidthProof + roundTrip, "the rate is measured by a transfer"
}

// ProofTime implements ProofTimer.
func (p *Pause) ProofTime(time.Duration) (time.Duration, string) {
	return pauseProof, "a paused node is watched until it has not answered for a while"
}

// ProofTime implements ProofTimer.
func (t *Throttle) ProofTime(time.Duration) (time.Duration, string) {
	return throttleProof, "the use of the processor is measured over a second"
}
