package linkd

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// pipe is a flow between two channels, as Toxiproxy runs it.
type pipe struct {
	flow *Flow
	in   chan *stream.StreamChunk
	out  chan *stream.StreamChunk
	stub *toxics.ToxicStub
	wrap *toxics.ToxicWrapper
}

func newPipe(t *testing.T, s wire.Flow) *pipe {
	t.Helper()
	p := &pipe{flow: new(Flow), in: make(chan *stream.StreamChunk), out: make(chan *stream.StreamChunk)}
	p.set(t, s)
	p.stub = toxics.NewToxicStub(p.in, p.out)
	p.stub.State = p.flow.NewState()
	p.wrap = &toxics.ToxicWrapper{Toxic: p.flow, Toxicity: 1}
	go p.stub.Run(p.wrap)
	t.Cleanup(func() {
		p.flow.end()
		close(p.in)
		for range p.out { // until the pipe has closed it
		}
	})
	return p
}

func (p *pipe) set(t *testing.T, s wire.Flow) {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, p.flow); err != nil {
		t.Fatal(err)
	}
}

// update changes the settings as Toxiproxy does.
func (p *pipe) update(t *testing.T, s wire.Flow) {
	t.Helper()
	p.set(t, s)
	if p.stub.InterruptToxic() {
		go p.stub.Run(p.wrap)
	}
}

func newChunk(b ...byte) *stream.StreamChunk {
	return &stream.StreamChunk{Data: b, Timestamp: time.Now()}
}

func TestJitterKeepsOrder(t *testing.T) {
	p := newPipe(t, wire.Flow{Delays: []wire.Delay{{Latency: 10 * time.Millisecond, Jitter: 10 * time.Millisecond, Seed: 1}}})
	const n = 50
	go func() {
		for i := range n {
			p.in <- newChunk(byte(i))
		}
	}()
	var got, want []byte
	for i := range n {
		got = append(got, (<-p.out).Data...)
		want = append(want, byte(i))
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The same seed gives the n-th connection the same delays, other seeds and
// other connections others.
func TestJitterIsSeeded(t *testing.T) {
	draws := func(seed uint64, connection int) []time.Duration {
		f := new(Flow)
		s := &wire.Flow{Delays: []wire.Delay{{Latency: time.Second, Jitter: time.Second / 2, Seed: seed}}}
		var tr *connState
		for range connection {
			tr = f.NewState().(*connState)
		}
		tr.adopt(s)
		var out []time.Duration
		for range 100 {
			out = append(out, tr.drawDelay(s))
		}
		return out
	}
	first := draws(7, 1)
	if diff := cmp.Diff(first, draws(7, 1)); diff != "" {
		t.Errorf("the same seed (-first +second)\n%s", diff)
	}
	if slices.Equal(first, draws(8, 1)) {
		t.Error("another seed, and the same delays")
	}
	if slices.Equal(first, draws(7, 2)) {
		t.Error("another connection, and the same delays")
	}
	if lo, hi := slices.Min(first), slices.Max(first); lo < time.Second/2 || hi > 3*time.Second/2 || hi-lo < time.Second/2 {
		t.Errorf("between %v and %v, want spread over 0.5 s to 1.5 s", lo, hi)
	}
}

func TestDelaysAddAndAreNeverNegative(t *testing.T) {
	tr := &connState{}
	s := &wire.Flow{Delays: []wire.Delay{{Latency: time.Second}, {Latency: time.Minute}, {Jitter: time.Hour, Seed: 3}}}
	tr.adopt(s)
	for range 100 {
		if got := tr.drawDelay(s); got < time.Minute+time.Second {
			t.Fatalf("got %v", got)
		}
	}
}

// Settings may change while the reader has stalled: that must not wait for him.
func TestUpdateWhileTheReaderStalls(t *testing.T) {
	p := newPipe(t, wire.Flow{})
	p.in <- newChunk('a')
	p.in <- newChunk('b')
	p.update(t, wire.Flow{Hold: true})
	p.in <- newChunk('c', 'd')
	select {
	case c := <-p.out:
		t.Errorf("%q passed while held", c.Data)
	case <-time.After(20 * time.Millisecond):
	}
	p.update(t, wire.Flow{Rate: 1 << 30})
	p.update(t, wire.Flow{})
	var got []byte
	for len(got) < 4 {
		got = append(got, (<-p.out).Data...)
	}
	if string(got) != "abcd" {
		t.Errorf("got %q, want %q", got, "abcd")
	}
}

// Held bytes are bounded: beyond the window the sender waits.
func TestWindow(t *testing.T) {
	p := newPipe(t, wire.Flow{Hold: true})
	const mega = 1 << 20
	big := func() *stream.StreamChunk {
		return &stream.StreamChunk{Data: make([]byte, mega), Timestamp: time.Now()}
	}
	for range window / mega {
		p.in <- big()
	}
	select {
	case p.in <- big():
		t.Errorf("took more than %d bytes while held", window)
	case <-time.After(50 * time.Millisecond):
	}
}

// The end of a stream waits like its bytes, and comes after them.
func TestEndOfStream(t *testing.T) {
	p := &pipe{flow: new(Flow), in: make(chan *stream.StreamChunk), out: make(chan *stream.StreamChunk)}
	p.stub = toxics.NewToxicStub(p.in, p.out)
	p.stub.State = p.flow.NewState()
	p.wrap = &toxics.ToxicWrapper{Toxic: p.flow, Toxicity: 1}
	go p.stub.Run(p.wrap)
	p.in <- newChunk('a')
	<-p.out // established
	p.update(t, wire.Flow{Hold: true})
	p.in <- newChunk('b')
	close(p.in)
	select {
	case c, ok := <-p.out:
		t.Errorf("got %v, %v while held", c, ok)
	case <-time.After(20 * time.Millisecond):
	}
	p.update(t, wire.Flow{})
	if c := <-p.out; c == nil || string(c.Data) != "b" {
		t.Errorf("got %v, want b", c)
	}
	if c, ok := <-p.out; ok {
		t.Errorf("got %v, want the end", c)
	}
}

func TestRateIsSharedByConnections(t *testing.T) {
	f := new(Flow)
	first := f.reserve(1000, 100)
	if got := f.reserve(1000, 100).Sub(first); got != 100*time.Millisecond {
		t.Errorf("100 bytes at 1000 a second keep the link for %v, want 100ms", got)
	}
}

// Once a change of the settings has returned, nothing passes under the old ones.
func TestHoldIsInForceOnceItIsSet(t *testing.T) {
	p := newPipe(t, wire.Flow{})
	stop := make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() {
		for {
			select {
			case p.in <- newChunk('a'):
			case <-stop:
				return
			}
		}
	})
	for range 200 {
		<-p.out
		p.set(t, wire.Flow{Hold: true})
		select {
		case <-p.out:
			t.Error("a chunk passed while held")
		case <-time.After(200 * time.Microsecond):
		}
		p.set(t, wire.Flow{})
	}
	close(stop)
	sender.Wait()
}

// Loss delays bytes and keeps their order; none is missing.
func TestLossLosesNoByte(t *testing.T) {
	p := newPipe(t, wire.Flow{Losses: []wire.Loss{{Probability: 0.3, Retransmit: time.Millisecond, Seed: 1}}})
	const n = 200
	go func() {
		for i := range n {
			p.in <- newChunk(byte(i))
		}
	}()
	var got, want []byte
	for i := range n {
		got = append(got, (<-p.out).Data...)
		want = append(want, byte(i))
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSlices(t *testing.T) {
	p := newPipe(t, wire.Flow{SliceSize: 3, SliceDelay: 20 * time.Millisecond})
	begin := time.Now()
	p.in <- newChunk(1, 2, 3, 4, 5, 6, 7)
	var got [][]byte
	for range 3 {
		got = append(got, (<-p.out).Data)
	}
	if diff := cmp.Diff([][]byte{{1, 2, 3}, {4, 5, 6}, {7}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if took := time.Since(begin); took < 40*time.Millisecond {
		t.Errorf("two pauses took %v", took)
	}
}

// The end comes late, the bytes before it do not.
func TestCloseDelay(t *testing.T) {
	const delay = 100 * time.Millisecond
	p := &pipe{flow: new(Flow), in: make(chan *stream.StreamChunk), out: make(chan *stream.StreamChunk)}
	p.set(t, wire.Flow{CloseDelay: delay})
	p.stub = toxics.NewToxicStub(p.in, p.out)
	p.stub.State = p.flow.NewState()
	go p.stub.Run(&toxics.ToxicWrapper{Toxic: p.flow, Toxicity: 1})
	p.in <- newChunk('a')
	<-p.out
	begin := time.Now()
	close(p.in)
	if c, ok := <-p.out; ok {
		t.Errorf("got %v, want the end", c)
	}
	if took := time.Since(begin); took < delay {
		t.Errorf("the end came after %v, want %v", took, delay)
	}
}

// A stalled flow has carried exactly its bytes, keeps the others, and other settings
// that change meanwhile do not let more through.
func TestStallAfter(t *testing.T) {
	p := newPipe(t, wire.Flow{StallAfter: 3})
	p.in <- newChunk(1, 2)
	p.in <- newChunk(3, 4, 5)
	var got []byte
	for len(got) < 3 {
		got = append(got, (<-p.out).Data...)
	}
	p.set(t, wire.Flow{StallAfter: 3, Rate: 1 << 30})
	select {
	case c := <-p.out:
		t.Errorf("%v passed after the limit", c.Data)
	case <-time.After(20 * time.Millisecond):
	}
	p.set(t, wire.Flow{})
	for len(got) < 5 {
		got = append(got, (<-p.out).Data...)
	}
	if diff := cmp.Diff([]byte{1, 2, 3, 4, 5}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The byte after the limit resets the connection, once, and none passes any more.
func TestResetAfter(t *testing.T) {
	resets := make(chan bool, 10)
	p := &pipe{flow: new(Flow), in: make(chan *stream.StreamChunk), out: make(chan *stream.StreamChunk)}
	p.set(t, wire.Flow{ResetAfter: 2})
	p.flow.open(func() { resets <- true })
	p.stub = toxics.NewToxicStub(p.in, p.out)
	p.stub.State = p.flow.NewState()
	go p.stub.Run(&toxics.ToxicWrapper{Toxic: p.flow, Toxicity: 1})
	p.in <- newChunk(1, 2)
	if c := <-p.out; len(c.Data) != 2 {
		t.Errorf("got %v, want two bytes", c.Data)
	}
	select {
	case <-resets:
		t.Error("reset before the limit was passed")
	case <-time.After(10 * time.Millisecond):
	}
	p.in <- newChunk(3)
	<-resets
	if c, ok := <-p.out; ok {
		t.Errorf("got %v, want the end", c)
	}
	close(p.in)
	if len(resets) > 0 {
		t.Error("reset more than once")
	}
}

// FuzzFlowSettings: settings that are accepted can be carried out.
func FuzzFlowSettings(f *testing.F) {
	for _, s := range []string{
		`{"delays":[{"latency":10000000,"jitter":5000000,"seed":1}]}`, `{"rate":64000}`, `{"hold":true}`, `{"drop":true}`,
		`{"losses":[{"probability":0.5,"retransmit":200000000}]}`, `{"losses":[{"probability":2}]}`,
		`{"sliceSize":1,"sliceDelay":1000000,"stallAfter":1,"resetAfter":2,"closeDelay":1}`, `{"sliceSize":-1}`,
		`{"delays":[{"jitter":10,"distribution":"pareto"}]}`, `{"delays":[{"distribution":"x"}]}`,
		`{"delays":[{"jitter":9223372036854775807}]}`, `{"delays":[{"latency":-1}]}`, `{"rate":-1}`, `{}`, `null`, `[]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		flow := new(Flow)
		if json.Unmarshal([]byte(s), flow) != nil {
			return
		}
		settings := &flow.now().settings
		c := flow.NewState().(*connState)
		c.adopt(settings)
		c.receive(newChunk(1, 2, 3))
		if c.over(settings) || len(c.queue) == 0 {
			return
		}
		if got := c.due(flow, settings); got.Before(c.queue[0].arrived) {
			t.Errorf("%s: due %v before it arrived", s, c.queue[0].arrived.Sub(got))
		}
		c.sent(len(c.piece(settings).Data))
	})
}
