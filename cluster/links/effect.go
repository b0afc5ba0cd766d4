package links

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// Mode is how a cut link behaves. Opening a connection succeeds in the first
// two modes, for linkd accepts before it looks at the far side; a real network
// would let it time out.
type Mode string

// The modes of a cut.
const (
	// Hold: bytes wait and arrive after heal on the same connection, and so
	// does its end. A connection that is opened and closed again while held
	// leaves no trace: nothing of it arrives.
	Hold Mode = "hold"
	// Blackhole: bytes are dropped; connections that lived through it are
	// closed (FIN) at heal.
	Blackhole Mode = "blackhole"
	// Refuse: open connections are closed (FIN, or RST where bytes were on
	// their way), new ones are refused.
	Refuse Mode = "refuse"
	// Reset: open connections get an RST on both sides at once, new ones are
	// accepted and then get one.
	Reset Mode = "reset"
)

// Values lists the modes, for the schema of the scenario language.
func (Mode) Values() []string {
	return []string{string(Hold), string(Blackhole), string(Refuse), string(Reset)}
}

// Effect is what is done to the bytes of a stream. The zero value does nothing.
type Effect struct {
	Latency      time.Duration // added one way
	Jitter       time.Duration // around Latency, never below zero in sum
	Distribution Distribution  // of the jitter; uniform when empty
	Seed         uint64        // of the jitter and of the loss
	// Loss is the probability, 0 to 1, that a segment is lost. It then arrives
	// later by Retransmit, which doubles if it is lost again; no byte is missing.
	Loss       float64
	Retransmit time.Duration
	Rate       int64 // bytes a second for each port of the link; 0 means unlimited
	// SliceSize is how many bytes are written at a time, with a pause of
	// SliceDelay in between; 0 leaves writes as they are.
	SliceSize  int64
	SliceDelay time.Duration
	CloseDelay time.Duration // by which the end of a connection comes later
	// StallAfter is how many bytes each connection carries until it carries none
	// any more, before heal; 0 means no limit.
	StallAfter int64
	// ResetAfter is how many bytes each connection carries until a further one
	// makes it end in an RST at both ends; 0 means no limit.
	ResetAfter int64
	Cut        Mode // "" means not cut; Refuse and Reset cut both flows
}

func (e Effect) valid() error {
	switch {
	case e.Latency < 0, e.Jitter < 0, e.Rate < 0:
		return errors.New("latency, jitter and rate cannot be negative")
	case e.Loss < 0, e.Loss > 1, e.Loss > 0 && e.Retransmit <= 0:
		return fmt.Errorf("loss of %v with retransmission after %v: want 0 to 1 and more than 0s", e.Loss, e.Retransmit)
	case e.Distribution != "" && !slices.Contains(e.Distribution.Values(), string(e.Distribution)):
		return fmt.Errorf("distribution %q%s", e.Distribution, suggestion(string(e.Distribution), e.Distribution.Values()))
	case e.SliceSize < 0, e.SliceDelay < 0, e.CloseDelay < 0, e.StallAfter < 0, e.ResetAfter < 0:
		return errors.New("sizes of slices, limits of bytes and delays cannot be negative")
	case e.Jitter > e.Latency && e.Latency > 0:
		return fmt.Errorf("jitter %v is more than latency %v", e.Jitter, e.Latency)
	}
	switch e.Cut {
	case "", Hold, Blackhole, Refuse, Reset:
		return nil
	}
	return fmt.Errorf("cut %q%s", e.Cut, suggestion(string(e.Cut), []string{string(Hold), string(Blackhole), string(Refuse), string(Reset)}))
}

// Sample is one echo over one link: connect and one byte there and back.
type Sample struct {
	Link    topology.Link
	Connect time.Duration // until linkd accepted; latency does not delay it
	RTT     time.Duration // from the byte's departure to its return
	Err     error         // why there was no echo: a ProbeError, or the measurement itself failed
}
