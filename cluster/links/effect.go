package links

import (
	"errors"
	"fmt"
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
	Latency time.Duration // added one way
	Jitter  time.Duration // uniform in ±Jitter around Latency, never below zero in sum
	Seed    uint64        // of the jitter
	Rate    int64         // bytes a second for each port of the link; 0 means unlimited
	Cut     Mode          // "" means not cut; Refuse and Reset cut both flows
}

func (e Effect) valid() error {
	switch {
	case e.Latency < 0, e.Jitter < 0, e.Rate < 0:
		return errors.New("latency, jitter and rate cannot be negative")
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
