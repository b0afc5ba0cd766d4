package linkd

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// FlowType is the name of our toxic in Toxiproxy.
const FlowType = "flow"

// window is how many bytes may be in flight on one flow of one connection.
// Beyond it the sender is held back, as by a TCP window.
const window = 4 << 20

// Flow is the one toxic of a flow: it delays, loses, narrows, slices, holds, drops
// and resets. It is one
// toxic whose settings change, and not several that come and go, because
// Toxiproxy can add or remove a toxic only once every chunk on its way has been
// written, which is never while the reader is paused with full buffers
// (toxiproxy#558). This one never blocks: every wait ends when the settings
// change, and the bytes in flight stay in the connection's state.
type Flow struct {
	conns    atomic.Uint64 // so far
	endOnce  sync.Once
	endedCh  chan struct{}
	mu       sync.Mutex
	current  *generation
	linkFree time.Time // when the narrow link is free again, for all its connections
	opening  func()    // resets the connection that is being opened
}

// generation is the time during which the settings stay the same.
type generation struct {
	settings wire.Flow
	replaced chan struct{}  // closed once there is a newer one
	pipes    sync.WaitGroup // that still follow this one
}

// MarshalJSON writes the settings.
func (f *Flow) MarshalJSON() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return json.Marshal(f.now().settings)
}

// UnmarshalJSON replaces the settings; see set.
func (f *Flow) UnmarshalJSON(b []byte) error {
	var s wire.Flow
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if err := checkFlow(s); err != nil {
		return err
	}
	f.set(s)
	return nil
}

// maxDelay is the longest latency or jitter of a flow; sums of them stay far from
// overflowing.
const maxDelay = time.Hour

// checkFlow returns what is wrong with settings.
func checkFlow(s wire.Flow) error {
	if s.Rate < 0 {
		return fmt.Errorf("rate %d: want 0 or more bytes a second", s.Rate)
	}
	for _, d := range s.Delays {
		if d.Latency < 0 || d.Latency > maxDelay || d.Jitter < 0 || d.Jitter > maxDelay {
			return fmt.Errorf("latency %v with jitter %v: want each between 0s and %v", d.Latency, d.Jitter, maxDelay)
		}
		switch d.Distribution {
		case "", wire.Uniform, wire.Normal, wire.Pareto:
		default:
			return fmt.Errorf("distribution %q: want %s, %s or %s", d.Distribution, wire.Uniform, wire.Normal, wire.Pareto)
		}
	}
	for _, l := range s.Losses {
		if !(l.Probability >= 0 && l.Probability <= 1) || l.Retransmit < 0 || l.Retransmit > maxDelay {
			return fmt.Errorf("loss with probability %v and retransmission after %v: want 0 to 1, and between 0s and %v", l.Probability, l.Retransmit, maxDelay)
		}
	}
	if s.SliceSize < 0 || s.StallAfter < 0 || s.ResetAfter < 0 {
		return fmt.Errorf("slices of %d, stall after %d, reset after %d: want 0 or more bytes", s.SliceSize, s.StallAfter, s.ResetAfter)
	}
	if s.SliceDelay < 0 || s.SliceDelay > maxDelay || s.CloseDelay < 0 || s.CloseDelay > maxDelay {
		return fmt.Errorf("pause of %v between slices, close delayed by %v: want each between 0s and %v", s.SliceDelay, s.CloseDelay, maxDelay)
	}
	return nil
}

// set replaces the settings and returns once every pipe follows the new ones.
func (f *Flow) set(s wire.Flow) {
	f.mu.Lock()
	old := f.now()
	f.current = &generation{settings: s, replaced: make(chan struct{})}
	f.mu.Unlock()
	close(old.replaced)
	old.pipes.Wait()
}

// now returns the current generation; f.mu must be held. The zero Flow, which is
// what Toxiproxy makes, passes everything on.
func (f *Flow) now() *generation {
	if f.current == nil {
		f.current = &generation{replaced: make(chan struct{})}
	}
	return f.current
}

// join adds a pipe to the current generation.
func (f *Flow) join() *generation {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.now()
	g.pipes.Add(1)
	return g
}

func (f *Flow) ended() chan struct{} {
	f.endOnce.Do(func() { f.endedCh = make(chan struct{}) })
	return f.endedCh
}

// end lets every pipe return, whatever its bytes wait for.
func (f *Flow) end() { close(f.ended()) }

// NewState numbers the connections, so that each has its own jitter and the
// n-th has the same in every run of the same seed.
func (f *Flow) NewState() any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &connState{conn: f.conns.Add(1), neverSent: true, reset: f.opening}
}

// open says how the connection is reset that is opened next.
func (f *Flow) open(reset func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opening = reset
}

// Pipe moves chunks until the flow ends or Toxiproxy interrupts it.
func (f *Flow) Pipe(stub *toxics.ToxicStub) {
	c, ok := stub.State.(*connState)
	if !ok {
		c = f.NewState().(*connState)
		stub.State = c
	}
	if f.move(stub, c) {
		f.finish(stub, c.eof)
	}
}

// move moves chunks and returns whether the flow is over; otherwise it was interrupted.
func (f *Flow) move(stub *toxics.ToxicStub, c *connState) (over bool) {
	g := f.join()
	defer func() { g.pipes.Done() }()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-g.replaced:
			g.pipes.Done()
			g = f.join()
			continue
		default:
		}
		s := &g.settings
		c.adopt(s)
		if c.over(s) {
			return true
		}
		in := stub.Input
		if c.eof || c.bytes >= window {
			in = nil
		}
		var out chan<- *stream.StreamChunk
		var piece *stream.StreamChunk
		var wait <-chan time.Time
		if len(c.queue) > 0 && !c.held(s) {
			c.neverSent = false
			switch left := time.Until(c.due(f, s)); {
			case left > 0:
				timer.Reset(left)
				wait = timer.C
			case c.queue[0].data == nil:
				return true
			case c.mustReset(s):
				if c.reset != nil {
					c.reset()
				}
				c.dropped = true
				return true
			default:
				piece = c.piece(s)
				out = stub.Output
			}
		}
		select {
		case <-stub.Interrupt:
			return false
		case <-f.ended():
			return true
		case <-g.replaced:
		case received := <-in:
			c.receive(received)
		case out <- piece:
			c.sent(len(piece.Data))
		case <-wait:
		}
	}
}

// finish closes the flow and then discards what still arrives, so that the
// goroutines before it can end.
func (f *Flow) finish(stub *toxics.ToxicStub, eof bool) {
	stub.Close()
	for !eof {
		select {
		case c := <-stub.Input:
			eof = c == nil
		case <-f.ended():
			// The connections are closed by then, so little is left.
			eof = <-stub.Input == nil
		}
	}
}

// reserve returns when n bytes may start on the narrow link, which all
// connections of the flow share.
func (f *Flow) reserve(rate int64, n int) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	start := time.Now()
	if f.linkFree.After(start) {
		start = f.linkFree
	}
	f.linkFree = start.Add(time.Duration(int64(n) * int64(time.Second) / rate))
	return start
}
