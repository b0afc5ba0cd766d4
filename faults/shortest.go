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
	added := 2 * (l.Delay + l.Jitter) // the shortest of several round trips is measured, so a long tail does not count
	return latencyProof + roundTrip + added, fmt.Sprintf("a round trip takes %v", roundTrip+added)
}

// ProofTime implements ProofTimer.
func (b *Bandwidth) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	return bandwidthProof + roundTrip, "the rate is measured by a transfer"
}

// ProofTime implements ProofTimer.
func (s *Slice) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	return bandwidthProof + 2*s.delay() + roundTrip, "the pauses are measured by a transfer"
}

// ProofTime implements ProofTimer.
func (l *Loss) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	return 2*l.retransmit() + roundTrip + bandwidthProof/2, "a transfer is watched until a packet of it was sent again"
}

// ProofTime implements ProofTimer.
func (s *SlowClose) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	return latencyProof + 2*roundTrip + 2*s.Delay, "connections are closed, and that is awaited"
}

// ProofTime implements ProofTimer.
func (s *Stall) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	return 2*cutTimeout + 2*roundTrip, "a transfer is watched until it has stalled for a while"
}

// ProofTime implements ProofTimer.
func (r *ResetAfter) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	return latencyProof + 2*roundTrip, "two transfers are made"
}

// ProofTime implements ProofTimer.
func (f *Flap) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	down, up := f.times()
	return 2*(down+up) + roundTrip, fmt.Sprintf("a link that is cut for %v and carries for %v is watched until both were seen", down, up)
}

// ProofTime implements ProofTimer.
func (t *ThunderingHerd) ProofTime(roundTrip time.Duration) (time.Duration, string) {
	return t.cut().proofTime(roundTrip)
}

// ProofTime implements ProofTimer.
func (p *Pause) ProofTime(time.Duration) (time.Duration, string) {
	return pauseProof, "a paused node is watched until it has not answered for a while"
}

// ProofTime implements ProofTimer.
func (t *Throttle) ProofTime(time.Duration) (time.Duration, string) {
	return throttleProof, "the use of the processor is measured over a second"
}

// ProofTime implements ProofTimer.
func (c *CrashLoop) ProofTime(time.Duration) (time.Duration, string) {
	return 2 * (c.up() + crashWindow), fmt.Sprintf("a node that runs for %v each time is watched until it was started again", c.up())
}

// ProofTime implements ProofTimer.
func (m *Memory) ProofTime(time.Duration) (time.Duration, string) {
	return throttleProof, "a victim is watched until it wants more memory than it has"
}

// ProofTime implements ProofTimer.
func (d *DiskFull) ProofTime(time.Duration) (time.Duration, string) { return diskProof() }

// ProofTime implements ProofTimer.
func (d *DiskErrors) ProofTime(time.Duration) (time.Duration, string) { return diskProof() }

// ProofTime implements ProofTimer.
func (s *SlowDisk) ProofTime(time.Duration) (time.Duration, string) {
	shortest, why := diskProof()
	return shortest + 2*s.Delay, why
}

func diskProof() (time.Duration, string) {
	return 2 * diskWindow, "the layer in front of a disk is watched until the node has used it, and a control as long"
}
