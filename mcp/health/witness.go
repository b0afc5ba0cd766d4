package health

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Witness serves api.Witness: it probes a peer for another node, over links
// that the other does not use.
type Witness struct {
	api.UnimplementedWitnessServer
	Prober *Prober
}

// Probe probes the peer once.
func (w *Witness) Probe(ctx context.Context, r *api.ProbeRequest) (*api.ProbeReply, error) {
	if w.Prober.green() {
		return nil, status.Error(codes.Unavailable, "this witness has only just begun: ask another, or again")
	}
	start := time.Now()
	rtt, err := w.Prober.ask(ctx, r.Peer)
	if w.Prober.pulse.excused(err, start) {
		return nil, status.Error(codes.Unavailable, "this witness stood still itself: ask another")
	}
	if err != nil {
		return &api.ProbeReply{Error: err.Error()}, nil
	}
	return &api.ProbeReply{Answered: true, RoundTripMicros: rtt.Microseconds()}, nil
}

// green says whether the prober has only just begun. Its connections are being
// made still, so that nobody answers it proves nothing.
func (p *Prober) green() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.began) < time.Duration(p.Strikes)*p.Interval
}

// testimony is what a witness found.
type testimony struct {
	witness string
	reply   *api.ProbeReply
}

// consult asks all witnesses at once and takes the first word. None is left
// when nobody could be reached: then this node may be the one that is cut off,
// and nothing is decided.
//
// A witness is asked for silence, not for slowness. In a storm that slows all
// links everybody finds everybody slow, so a second slow answer would be no
// independent evidence; that a peer answers nobody is.
func (p *Prober) consult(ctx context.Context, peer string) (t testimony, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*p.Timeout) // the way there, and the witness's own probe
	defer cancel()
	witnesses := p.Witnesses(peer)
	heard := make(chan *testimony, len(witnesses))
	for _, w := range witnesses {
		p.asking.Go(func() {
			reply, err := p.put(ctx, w, peer)
			if err != nil {
				heard <- nil
				return
			}
			heard <- &testimony{w, reply}
		})
	}
	for range witnesses {
		if t := <-heard; t != nil {
			return *t, true
		}
	}
	return testimony{}, false
}

func (p *Prober) put(ctx context.Context, witness, peer string) (*api.ProbeReply, error) {
	conn, err := p.To(witness)
	if err != nil {
		return nil, err
	}
	return api.NewWitnessClient(conn).Probe(ctx, &api.ProbeRequest{Peer: peer})
}

// doubt asks about a peer and takes in what the witness says.
func (p *Prober) doubt(ctx context.Context, peer string) {
	t, ok := p.consult(ctx, peer)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.doubted, peer)
	if !ok || t.reply.Answered {
		return // stays pending; asked again at the next strike
	}
	if o := p.opinions[peer]; o != nil { // it may be this node's duty no more
		p.tell(o.agree(t.witness, t.reply.Error))
	}
}
