package mesh

import (
	"time"

	"github.com/mcp-resilience/holdfast/harness/topology"
)

// Mode is how a cut link behaves.
type Mode string

// The modes of a cut.
const (
	Hold      Mode = "hold"      // bytes wait and arrive after heal on the same connection
	Blackhole Mode = "blackhole" // bytes are dropped, connections die at heal
	Refuse    Mode = "refuse"    // listener closed, connections closed
	Reset     Mode = "reset"     // connections reset (RST), new ones too
)

// Effect is what is done to the bytes of a stream. The zero value does nothing.
type Effect struct {
	Latency time.Duration // added one way
	Jitter  time.Duration // uniform in ±Jitter around Latency
	Seed    uint64        // of the jitter
	Rate    int64         // bytes a second; 0 means unlimited
	Cut     Mode          // "" means not cut; Refuse and Reset cut both flows
}

// Sample is one echo over one link: connect and one byte there and back.
type Sample struct {
	Link topology.Link
	RTT  time.Duration
	Err  error // why there was no echo
}
