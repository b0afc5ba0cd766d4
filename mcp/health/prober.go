// Package health finds out which peers answer. Each node asks others over the
// standard gRPC health protocol. A probe without an answer is a strike, and so
// is an answer slower than is usual for that peer; enough strikes in a row make
// the peer pending, and it is suspected once a node of another region gets no
// answer from it either:
//
//	        strikes in a row            a witness agrees
//	trusted ────────────────► pending ───────────────────► suspected
//	   ▲                         │                             │
//	   └──────── an answer in time ◄───────────────────────────┘
//
// A suspicion is one node's opinion: arbiter turns opinions into decisions.
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

// Timing is how a prober asks and when it doubts.
type Timing struct {
	Timeout  time.Duration // of one probe
	Interval time.Duration // between the starts of two probes
	Strikes  int           // in a row that make a suspect, or a pending one

	// Window is how many recent round trips say what is usual for a peer. 0 means fixed
	// detection: only a probe without an answer is a strike, and no witness is asked.
	Window int
	// Floor is how much slower than the mean an answer may be in any case, so
	// that a very quiet link does not strike on noise.
	Floor time.Duration

	noWitness bool // though Window > 0, see HairTrigger
}

// Prober probes the peers that it is this node's duty to probe. Fill all
// exported fields, then Run it.
type Prober struct {
	Targets func() []string // asked often: duties move when nodes are lost and found
	Timing
	To   func(name string) (*grpc.ClientConn, error)
	Note func(k events.Kind, says string, fields map[string]string)
	// Witnesses lists whom to ask about a peer that is pending: nodes that reach
	// it over other links than this one. Not needed when Window is 0.
	Witnesses func(peer string) []string

	mu       sync.Mutex
	opinions map[string]*opinion
	doubted  map[string]bool // a witness is being asked about them
	asking   sync.WaitGroup
	pulse    pulse
	began    time.Time
}

func (p *Prober) watch(ctx context.Context, peer string) {
	tick := time.NewTicker(p.Interval)
	defer tick.Stop()
	for {
		start := time.Now()
		rtt, err := p.ask(ctx, peer)
		if ctx.Err() != nil {
			return
		}
		if !p.pulse.excused(err, start) {
			p.record(ctx, peer, rtt, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// ask returns the round trip, and nil when the peer says that it serves.
func (p *Prober) ask(ctx context.Context, peer string) (time.Duration, error) {
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

// Ask probes a node once, whoever's duty it is; nil means that it says that it serves.
func (p *Prober) Ask(ctx context.Context, peer string) error {
	_, err := p.ask(ctx, peer)
	return err
}

// record takes in a probe's outcome, and asks a witness when it is time to.
func (p *Prober) record(ctx context.Context, peer string, rtt time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.opinions[peer]
	if o == nil {
		o = newOpinion(peer, p.Timing)
		p.opinions[peer] = o
	}
	tell, ask := o.hear(rtt, err)
	p.tell(tell)
	if ask && !p.doubted[peer] {
		p.doubted[peer] = true
		p.asking.Go(func() { p.doubt(ctx, peer) })
	}
}

func (p *Prober) tell(all []said) {
	for _, s := range all {
		p.Note(s.kind, s.says, s.fields)
	}
}
