package linkd

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// FlowType is how Toxiproxy calls our toxic.
const FlowType = "flow"

// window is how many bytes may be under way on one flow of one connection.
// Beyond it the sender is held back, as by a TCP window.
const window = 4 << 20

// Flow is the one toxic of a flow: it delays, narrows, holds and drops. One
// toxic with settings that change, and not several that come and go, because
// Toxiproxy can add or remove a toxic only once every chunk on its way has
// been written, which is never while the reader is paused with full buffers
// (toxiproxy#558). This one never blocks: every wait ends on an interrupt, and
// the bytes under way survive it in the connection's state.
type Flow struct {
	settings atomic.Pointer[wire.Flow]
	conns    atomic.Uint64
	once     sync.Once
	gone     chan struct{}

	mu   sync.Mutex
	free time.Time // when the narrow link is free again, for all its connections
}

// MarshalJSON writes the settings.
func (f *Flow) MarshalJSON() ([]byte, error) { return json.Marshal(f.now()) }

// UnmarshalJSON replaces the settings at once; Toxiproxy then interrupts the pipes.
func (f *Flow) UnmarshalJSON(b []byte) error {
	var s wire.Flow
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	f.settings.Store(&s)
	return nil
}

func (f *Flow) now() *wire.Flow {
	if s := f.settings.Load(); s != nil {
		return s
	}
	return new(wire.Flow)
}

func (f *Flow) ended() chan struct{} {
	f.once.Do(func() { f.gone = make(chan struct{}) })
	return f.gone
}

// end lets every pipe go, whatever its bytes wait for.
func (f *Flow) end() { close(f.ended()) }

// parcel is a chunk under way; without data it is the end of the stream.
type parcel struct {
	data []byte
	at   time.Time // when it arrived here
}

// transit is the state of one flow of one connection.
type transit struct {
	conn     uint64
	under    *wire.Flow // settings that dice and delay belong to
	dice     []*rand.Rand
	queue    []parcel
	bytes    int
	eof      bool
	delay    time.Duration // of the first in the queue
	drawn    bool
	last     time.Time // due time of the parcel before, for order
	turn     time.Time // on the narrow link, for the next piece; zero before it is asked for
	bornHeld bool      // no byte has ever passed: a real SYN would not have either
	dropped  bool
}

// NewState numbers the connections, so that each has its own jitter and the
// n-th has the same in every run of the same seed.
func (f *Flow) NewState() any { return &transit{conn: f.conns.Add(1), bornHeld: true} }

// Pipe moves chunks until the flow ends or is interrupted.
func (f *Flow) Pipe(stub *toxics.ToxicStub) {
	t, ok := stub.State.(*transit)
	if !ok {
		t = f.NewState().(*transit)
		stub.State = t
	}
	s := f.now()
	t.adopt(s)
	if s.Close || (t.dropped && !s.Drop) {
		f.finish(stub)
		return
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if s.Drop {
			t.dropped, t.queue, t.bytes = true, nil, 0
			if t.eof { // nothing is left that could end it
				f.finish(stub)
				return
			}
		}
		if s.Hold && t.eof && t.bornHeld {
			f.finish(stub) // opened and given up while cut: it never was
			return
		}
		in := stub.Input
		if t.eof || t.bytes >= window {
			in = nil
		}
		var out chan<- *stream.StreamChunk
		var piece *stream.StreamChunk
		var wait <-chan time.Time
		if len(t.queue) > 0 && !s.Hold {
			t.bornHeld = false
			switch left := time.Until(t.due(f, s)); {
			case left > 0:
				timer.Reset(left)
				wait = timer.C
			case t.queue[0].data == nil:
				f.finish(stub)
				return
			default:
				piece = t.piece(s)
				out = stub.Output
			}
		}
		select {
		case <-stub.Interrupt:
			return
		case <-f.ended():
			f.finish(stub)
			return
		case c := <-in:
			t.take(c)
		case out <- piece:
			t.sent(len(piece.Data))
		case <-wait:
		}
	}
}

// finish closes the flow and then swallows what still comes, so that the
// goroutines before it can end.
func (f *Flow) finish(stub *toxics.ToxicStub) {
	eof := stub.State.(*transit).eof
	stub.Close()
	for !eof {
		select {
		case c := <-stub.Input:
			eof = c == nil
		case <-f.ended():
			// Proxies are closed by then, so the rest is short.
			eof = <-stub.Input == nil
		}
	}
}

// adopt takes over settings that are new.
func (t *transit) adopt(s *wire.Flow) {
	if t.under == s {
		return
	}
	t.under, t.drawn, t.dice = s, false, nil
	t.last, t.turn = time.Time{}, time.Time{}
	for _, d := range s.Delays {
		t.dice = append(t.dice, rand.New(rand.NewPCG(d.Seed, t.conn)))
	}
}

func (t *transit) take(c *stream.StreamChunk) {
	if c == nil {
		t.eof = true
		t.queue = append(t.queue, parcel{at: time.Now()})
		return
	}
	if len(c.Data) == 0 {
		return
	}
	t.queue = append(t.queue, parcel{c.Data, c.Timestamp})
	t.bytes += len(c.Data)
}

// due is when the first in the queue may go: after its own delay, after the
// one before it, and when its turn on a narrow link has come.
func (t *transit) due(f *Flow, s *wire.Flow) time.Time {
	if !t.drawn {
		t.delay, t.drawn = t.draw(s), true
	}
	at := t.queue[0].at.Add(t.delay)
	if at.Before(t.last) {
		at = t.last
	}
	t.last = at
	if s.Rate <= 0 || t.queue[0].data == nil || time.Until(at) > 0 {
		return at
	}
	if t.turn.IsZero() {
		t.turn = f.reserve(s.Rate, len(t.piece(s).Data))
	}
	return t.turn
}

// reserve returns when n bytes may start on the narrow link.
func (f *Flow) reserve(rate int64, n int) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	start := time.Now()
	if f.free.After(start) {
		start = f.free
	}
	f.free = start.Add(time.Duration(int64(n) * int64(time.Second) / rate))
	return start
}

// draw is the delay of the next chunk.
func (t *transit) draw(s *wire.Flow) time.Duration {
	var sum time.Duration
	for i, d := range s.Delays {
		one := d.Latency
		if d.Jitter > 0 {
			one += time.Duration(t.dice[i].Int64N(2*int64(d.Jitter)+1)) - d.Jitter
		}
		sum += max(0, one)
	}
	return sum
}

// piece is as much of the first parcel as a narrow link sends in 10 ms.
func (t *transit) piece(s *wire.Flow) *stream.StreamChunk {
	p := t.queue[0]
	if s.Rate > 0 {
		p.data = p.data[:min(int64(len(p.data)), max(1, s.Rate/100))]
	}
	return &stream.StreamChunk{Data: p.data, Timestamp: time.Now()}
}

func (t *transit) sent(n int) {
	t.bytes -= n
	if rest := t.queue[0].data[n:]; len(rest) > 0 {
		t.queue[0].data = rest
	} else {
		t.queue[0] = parcel{}
		t.queue = t.queue[1:]
		t.drawn = false
		if len(t.queue) == 0 && cap(t.queue) > 1024 {
			t.queue = slices.Clip(t.queue)
		}
	}
	t.turn = time.Time{}
}
