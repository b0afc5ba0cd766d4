package links

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/probe"
	"github.com/mcp-resilience/holdfast/cluster/links/wire"
	"github.com/mcp-resilience/holdfast/topology"
)

// echoTimeout is how long an echo may take beyond what its delays account for.
const echoTimeout = time.Second

// ProbeFailure is how a link that gives no echo looks to a client that dials it.
type ProbeFailure string

// The kinds of failure.
const (
	Refused  ProbeFailure = wire.Refused // nobody listens
	WasReset ProbeFailure = wire.Reset   // RST
	Closed   ProbeFailure = wire.Closed  // ended before the answer: the far pod is gone
	Silent   ProbeFailure = wire.Timeout // no answer in time
	Other    ProbeFailure = wire.Other
)

// ProbeError is why a link did not echo.
type ProbeError struct {
	Failure ProbeFailure
	Detail  string
}

func (e ProbeError) Error() string { return fmt.Sprintf("no echo (%s): %s", e.Failure, e.Detail) }

// ProbeFailureOf returns the kind of failure of a Sample's error, "" when there is none.
func ProbeFailureOf(err error) ProbeFailure {
	var e ProbeError
	if errors.As(err, &e) {
		return e.Failure
	}
	return ""
}

// Echo measures one link: one byte there and back. It waits a second beyond
// the delays that are on the link, less when ctx ends earlier.
func (m *Mesh) Echo(ctx context.Context, l topology.Link) Sample { return m.Transfer(ctx, l, 1) }

// Transfer is an echo of n bytes; RTT is from the first byte sent to the last
// one back. It waits as long as the rates on the link make it take, and a second.
func (m *Mesh) Transfer(ctx context.Context, l topology.Link, n int) Sample {
	s := Sample{Link: l}
	if s.Err = m.checkLink(l); s.Err != nil {
		return s
	}
	return m.sample(ctx, l, wire.Echo, n, m.expected(l, n)+echoTimeout)
}

// CloseTime measures how long it takes to end a connection: RTT is from when its
// opener has closed it to when the far end has too. It waits a second beyond the
// delays that are on the link.
func (m *Mesh) CloseTime(ctx context.Context, l topology.Link) Sample {
	s := Sample{Link: l}
	if s.Err = m.checkLink(l); s.Err != nil {
		return s
	}
	up, down, _, _ := m.compose(l)
	return m.sample(ctx, l, wire.Close, 1, 2*m.expected(l, 1)+up.CloseDelay+down.CloseDelay+echoTimeout)
}

// sample makes a probe that waits no longer than within, nor past the deadline of ctx.
func (m *Mesh) sample(ctx context.Context, l topology.Link, mode string, n int, within time.Duration) Sample {
	s := Sample{Link: l}
	if d, ok := ctx.Deadline(); ok {
		within = min(within, max(time.Until(d), time.Millisecond))
	}
	got, err := m.probe(ctx, l, mode, n, within)
	s.Connect, s.RTT = got.Connect, got.RTT
	switch {
	case err != nil:
		s.Err = fmt.Errorf("echo %s: %w", l, err)
	case got.Error != "":
		s.Err = ProbeError{ProbeFailure(got.Kind), got.Error}
	}
	return s
}

func (m *Mesh) probe(ctx context.Context, l topology.Link, mode string, n int, within time.Duration) (wire.ProbeResult, error) {
	d := m.linkd(carrier(l))
	if l.From.Clients != "" {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		return probe.WithDialer(ctx, d.Ingress[l.From.Clients][EchoPort].Connect, mode, n), nil
	}
	return d.probe(ctx, net.JoinHostPort(d.Peers[l.To], strconv.Itoa(EchoNumber)), mode, n, within)
}

// EchoDirect measures the path of a link without its proxy: one byte from where
// the link is opened to the echo server at its far end, and back. No effect on
// links touches it. A link that gives no echo while EchoDirect does is silent
// because of its effects, and not because the machine stands still.
func (m *Mesh) EchoDirect(ctx context.Context, l topology.Link) Sample {
	s := Sample{Link: l}
	if s.Err = m.checkLink(l); s.Err != nil {
		return s
	}
	within := echoTimeout
	if d, ok := ctx.Deadline(); ok {
		within = min(within, max(time.Until(d), time.Millisecond))
	}
	d, addr := m.linkd(carrier(l)), net.JoinHostPort(m.linkd(l.To).Host, strconv.Itoa(EchoNumber))
	var got wire.ProbeResult
	var err error
	if l.From.Clients != "" {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		in := d.Ingress[l.From.Clients][EchoPort]
		in.Dial = addr
		got = probe.WithDialer(ctx, in.Connect, wire.Echo, 1)
	} else {
		got, err = d.probe(ctx, addr, wire.Echo, 1, within)
	}
	s.Connect, s.RTT = got.Connect, got.RTT
	switch {
	case err != nil:
		s.Err = fmt.Errorf("echo beside %s: %w", l, err)
	case got.Error != "":
		s.Err = ProbeError{ProbeFailure(got.Kind), got.Error}
	}
	return s
}

// ExpectedRTT is the longest round trip of one byte that the delays and rates on
// a link account for. Cuts are left out.
func (m *Mesh) ExpectedRTT(l topology.Link) time.Duration { return m.expected(l, 1) }

// expected is the longest that n bytes should take there and back.
func (m *Mesh) expected(l topology.Link, n int) time.Duration {
	up, down, _, _ := m.compose(l)
	var sum time.Duration
	for _, f := range []wire.Flow{up, down} {
		for _, d := range f.Delays {
			sum += d.Max()
		}
		for _, l := range f.Losses {
			sum += l.Retransmit
		}
		if f.SliceSize > 0 {
			sum += time.Duration(int64(n)/f.SliceSize) * f.SliceDelay
		}
		if f.Rate > 0 {
			sum += time.Duration(float64(n) / float64(f.Rate) * float64(time.Second))
		}
	}
	return sum
}

// maxConcurrentEchoes is how many echoes of a matrix are made at a time, so that
// they measure the links and not each other.
const maxConcurrentEchoes = 16

// silentTimeout is how long a matrix waits for the echo of a link that is cut in
// silence, beyond its delays.
const silentTimeout = 200 * time.Millisecond

// Matrix measures every link, in the order of the topology's links. Links that
// are cut in silence do not keep the others waiting.
func (m *Mesh) Matrix(ctx context.Context) []Sample {
	links := m.topology.Links()
	out := make([]Sample, len(links))
	slots := make(chan struct{}, maxConcurrentEchoes)
	var wg sync.WaitGroup
	for i, l := range links {
		wg.Go(func() {
			ctx := ctx
			if up, down, _, _ := m.compose(l); up.Hold || up.Drop || down.Hold || down.Drop {
				// No echo is expected: a short wait shows as much as a long one.
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, m.expected(l, 1)+silentTimeout)
				defer cancel()
			} else {
				slots <- struct{}{}
				defer func() { <-slots }()
			}
			out[i] = m.Echo(ctx, l)
		})
	}
	wg.Wait()
	return out
}
