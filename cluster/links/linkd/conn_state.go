package linkd

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// connState is the state of one flow of one connection. It survives changes of
// the flow's settings.
type connState struct {
	conn     uint64     // number of the connection
	settings *wire.Flow // that rngs and delay belong to
	rngs     []*rand.Rand
	lossRNGs []*rand.Rand
	queue    []chunk
	bytes    int // in the queue
	eof      bool
	delay    time.Duration // of the first in the queue
	drawn    bool          // whether delay was drawn
	last     time.Time     // when the chunk before was due, to keep the order
	turn     time.Time     // on the narrow link, for the next piece; zero before it is reserved
	// neverSent means that no byte has ever passed. If the link has been held all
	// the while, a real network would not have let the connection be opened.
	neverSent bool
	dropped   bool // bytes were thrown away, so the connection cannot go on
	// carried is how many bytes have passed since there is the present limit of them.
	carried int64
	pause   time.Time // until when the next slice waits
	// reset ends the connection in an RST at both ends; nil where it is not known how.
	reset func()
}

// chunk is bytes in flight; without data it is the end of the stream.
type chunk struct {
	data    []byte
	arrived time.Time
}

// adopt takes over settings that are new.
func (c *connState) adopt(s *wire.Flow) {
	if c.settings == s {
		return
	}
	if c.settings == nil || c.settings.StallAfter != s.StallAfter || c.settings.ResetAfter != s.ResetAfter {
		c.carried = 0
	}
	c.settings, c.drawn, c.rngs, c.lossRNGs = s, false, nil, nil
	c.last, c.turn, c.pause = time.Time{}, time.Time{}, time.Time{}
	for _, d := range s.Delays {
		c.rngs = append(c.rngs, rand.New(rand.NewPCG(d.Seed, c.conn)))
	}
	for _, l := range s.Losses {
		c.lossRNGs = append(c.lossRNGs, rand.New(rand.NewPCG(l.Seed, ^c.conn)))
	}
}

// held reports whether the bytes that have arrived, and the end of the stream, must wait.
func (c *connState) held(s *wire.Flow) bool {
	return s.Hold || (s.StallAfter > 0 && c.carried >= s.StallAfter)
}

// mustReset reports whether the next byte is the one that ends the connection.
func (c *connState) mustReset(s *wire.Flow) bool {
	return s.ResetAfter > 0 && c.carried >= s.ResetAfter && c.queue[0].data != nil
}

// over drops what the settings drop and reports whether they end the flow.
func (c *connState) over(s *wire.Flow) bool {
	switch {
	case s.Drop:
		c.dropped, c.queue, c.bytes = true, nil, 0
		return c.eof // the queue is empty, so nothing else would end the flow
	case c.dropped:
		return true
	default:
		// Opened and closed again while the link was held: nothing of it arrives.
		return s.Hold && c.eof && c.neverSent
	}
}

// receive queues a chunk; nil is the end of the stream.
func (c *connState) receive(received *stream.StreamChunk) {
	if received == nil {
		c.eof = true
		c.queue = append(c.queue, chunk{arrived: time.Now()})
		return
	}
	if len(received.Data) == 0 {
		return
	}
	c.queue = append(c.queue, chunk{received.Data, received.Timestamp})
	c.bytes += len(received.Data)
}

// due is when the first in the queue may go: after its own delay, after the
// one before it, and when its turn on a narrow link has come.
func (c *connState) due(f *Flow, s *wire.Flow) time.Time {
	if !c.drawn {
		c.delay, c.drawn = c.drawDelay(s), true
	}
	at := c.queue[0].arrived.Add(c.delay)
	if at.Before(c.last) {
		at = c.last
	}
	c.last = at
	if c.queue[0].data != nil && at.Before(c.pause) {
		at = c.pause
	}
	if s.Rate <= 0 || c.queue[0].data == nil || time.Until(at) > 0 {
		return at
	}
	if c.turn.IsZero() {
		c.turn = f.reserve(s.Rate, len(c.piece(s).Data))
	}
	return c.turn
}

// drawDelay is the delay of the next chunk.
func (c *connState) drawDelay(s *wire.Flow) time.Duration {
	var sum time.Duration
	for i, d := range s.Delays {
		sum += drawJitter(d, c.rngs[i])
	}
	if len(c.queue) == 0 {
		return sum
	}
	if c.queue[0].data == nil {
		return sum + s.CloseDelay
	}
	for i, l := range s.Losses {
		sum += drawLoss(l, len(c.queue[0].data), c.lossRNGs[i])
	}
	return sum
}

// piece is as much of the first chunk as may be written at once: on a narrow link
// what it carries in 10 ms.
func (c *connState) piece(s *wire.Flow) *stream.StreamChunk {
	data := c.queue[0].data
	n := int64(len(data))
	if s.Rate > 0 {
		n = min(n, max(1, s.Rate/100))
	}
	if s.SliceSize > 0 {
		n = min(n, s.SliceSize)
	}
	for _, limit := range []int64{s.StallAfter, s.ResetAfter} {
		if limit > 0 {
			n = min(n, max(0, limit-c.carried))
		}
	}
	return &stream.StreamChunk{Data: data[:n], Timestamp: time.Now()}
}

// sent takes the first n bytes out of the queue.
func (c *connState) sent(n int) {
	c.bytes -= n
	c.carried += int64(n)
	if c.settings != nil && c.settings.SliceSize > 0 {
		c.pause = time.Now().Add(c.settings.SliceDelay)
	}
	if rest := c.queue[0].data[n:]; len(rest) > 0 {
		c.queue[0].data = rest
	} else {
		c.queue[0] = chunk{} // so that its data can be freed
		c.queue = c.queue[1:]
		c.drawn = false
		if len(c.queue) == 0 && cap(c.queue) > 1024 {
			c.queue = slices.Clip(c.queue)
		}
	}
	c.turn = time.Time{}
}
