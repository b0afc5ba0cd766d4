// Package health finds out which peers answer. Each node probes others over the standard
// gRPC health protocol. A probe without an answer is a strike, and so is an answer slower
// than is usual for that peer. Enough strikes in a row make the peer pending, and it is
// suspected when a node of another region gets no answer from it either:
//
//	        strikes in a row            a witness agrees
//	trusted ────────────────► pending ───────────────────► suspected
//	   ▲                         │                             │
//	   └──────── an answer in time ◄───────────────────────────┘
//
// A suspicion is one node's judgement: package arbiter turns suspicions into decisions of
// the cluster.
package health

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// Timing is how often a prober probes, and when it suspects.
type Timing struct {
	Timeout  time.Duration // of one probe
	Interval time.Duration // between the starts of two probes
	Strikes  int           // in a row that make a peer pending, or suspected with fixed detection

	// Window is how many recent round trips define what is usual for a peer. 0 means
	// fixed detection: only a probe without an answer is a strike, and no witness is
	// asked.
	Window int
	// Floor is how much slower than the mean an answer may always be, so that noise on a
	// very steady link causes no strike.
	Floor time.Duration

	noWitness bool // though Window > 0, see HairTrigger
}

// Prober probes the peers that are assigned to this node. Fill all exported fields, then
// Run it.
type Prober struct {
	Targets func() []string // called often: assignments move when nodes are lost and found again
	Timing
	To   func(name string) (*grpc.ClientConn, error)
	Note func(k events.Kind, description string, fields map[string]string)
	// Witnesses returns the nodes to ask about a pending peer, which reach it over other
	// links than this node. It is not needed when Window is 0.
	Witnesses func(peer string) []string

	mu            sync.Mutex
	suspicions    map[string]*suspicion
	consulting    map[string]bool // peers about which witnesses are being asked
	consultations sync.WaitGroup
	stalls        stallDetector
	started       time.Time
}

func (p *Prober) watch(ctx context.Context, peer string) {
	tick := time.NewTicker(p.Interval)
	defer tick.Stop()
	for {
		start := time.Now()
		rtt, err := p.probe(ctx, peer)
		if ctx.Err() != nil {
			return
		}
		if !p.stalls.excuses(err, start) {
			p.record(ctx, peer, rtt, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// probe returns the round trip, and an error unless the peer answers that it serves.
func (p *Prober) probe(ctx context.Context, peer string) (time.Duration, error) {
	conn, err := p.To(peer)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	start := time.Now()
	r, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		return 0, err
	}
	if r.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return 0, fmt.Errorf("probe %s: %s", peer, r.Status)
	}
	return time.Since(start), nil
}

// Probe probes a node once, whether or not it is assigned to this one. It returns nil
// when the node answers that it serves.
func (p *Prober) Probe(ctx context.Context, peer string) error {
	_, err := p.probe(ctx, peer)
	return err
}

// record takes the outcome of a probe, and asks witnesses when it is time to.
func (p *Prober) record(ctx context.Context, peer string, rtt time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.suspicions[peer]
	if s == nil {
		s = newSuspicion(peer, p.Timing)
		p.suspicions[peer] = s
	}
	found, askWitness := s.observe(rtt, err)
	p.emit(found)
	if askWitness && !p.consulting[peer] {
		p.consulting[peer] = true
		p.consultations.Go(func() { p.confirmWithWitness(ctx, peer) })
	}
}

func (p *Prober) emit(all []event) {
	for _, e := range all {
		p.Note(e.kind, e.description, e.fields)
	}
}
