package health

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Witness serves api.Witness: it probes a peer for another node, over links that the other
// node does not use.
type Witness struct {
	api.UnimplementedWitnessServer
	Prober *Prober
}

// Probe probes the peer once.
func (w *Witness) Probe(ctx context.Context, r *api.ProbeRequest) (*api.ProbeReply, error) {
	if w.Prober.warmingUp() {
		return nil, status.Error(codes.Unavailable, "this witness has only just started: ask another one, or ask again")
	}
	start := time.Now()
	rtt, err := w.Prober.probe(ctx, r.Peer)
	if w.Prober.stalls.excuses(err, start) {
		return nil, status.Error(codes.Unavailable, "this witness was stalled itself: ask another one")
	}
	if err != nil {
		return &api.ProbeReply{Error: err.Error()}, nil
	}
	return &api.ProbeReply{Answered: true, RoundTripMicros: rtt.Microseconds()}, nil
}

// warmingUp reports whether the prober has only just started. Its connections are still
// being opened, so a missing answer proves nothing yet.
func (p *Prober) warmingUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.started) < time.Duration(p.Strikes)*p.Interval
}

// answer is what a witness has found.
type answer struct {
	witness string
	reply   *api.ProbeReply
}

// askWitnesses asks all witnesses at once and takes the first answer. When no witness
// can be reached, this node may be the one that is cut off, and nothing is decided.
//
// A witness is asked whether the peer answers at all, not how fast. When all links are
// slow every node finds every other slow, so a second slow answer would be no independent
// evidence; that the peer does not answer the witness either is.
func (p *Prober) askWitnesses(ctx context.Context, peer string) (a answer, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*p.Timeout) // the call to the witness, and the witness's own probe
	defer cancel()
	witnesses := p.Witnesses(peer)
	answers := make(chan *answer, len(witnesses))
	for _, w := range witnesses {
		p.consultations.Go(func() {
			reply, err := p.askWitness(ctx, w, peer)
			if err != nil {
				answers <- nil
				return
			}
			answers <- &answer{w, reply}
		})
	}
	for range witnesses {
		if a := <-answers; a != nil {
			return *a, true
		}
	}
	return answer{}, false
}

func (p *Prober) askWitness(ctx context.Context, witness, peer string) (*api.ProbeReply, error) {
	conn, err := p.To(witness)
	if err != nil {
		return nil, err
	}
	return api.NewWitnessClient(conn).Probe(ctx, &api.ProbeRequest{Peer: peer})
}

// confirmWithWitness asks the witnesses about a peer, and raises the suspicion if they
// agree.
func (p *Prober) confirmWithWitness(ctx context.Context, peer string) {
	a, ok := p.askWitnesses(ctx, peer)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.consulting, peer)
	if !ok || a.reply.Answered {
		return // the peer stays pending, and witnesses are asked again at its next strike
	}
	if s := p.suspicions[peer]; s != nil { // nil if the peer is not assigned to this node any more
		p.emit(s.confirm(a.witness, a.reply.Error))
	}
}
