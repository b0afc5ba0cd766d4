// Package health finds out which peers answer. Each node asks every other over
// the standard gRPC health protocol; enough failures in a row make a suspect.
// A suspicion is one node's opinion: arbiter turns opinions into decisions.
package health

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mcp-resilience/holdfast/mcp/events"
)

// Timing is how a prober asks.
type Timing struct {
	Timeout  time.Duration // of one probe
	Interval time.Duration // between the starts of two probes
	Strikes  int           // failures in a row that make a suspect
}

// Prober probes a node's peers. Fill all exported fields, then Run it.
type Prober struct {
	Peers []string
	Timing
	To   func(name string) (*grpc.ClientConn, error)
	Note func(k events.Kind, says string, fields map[string]string)

	mu       sync.Mutex
	strikes  map[string]int
	answered map[string]bool // the last probe, of peers probed at all
}

// Run probes until ctx ends. Every peer has a routine of its own, so that one
// that hangs delays nobody's probes.
func (p *Prober) Run(ctx context.Context) {
	p.mu.Lock()
	p.strikes, p.answered = map[string]int{}, map[string]bool{}
	p.mu.Unlock()
	var all sync.WaitGroup
	for _, peer := range p.Peers {
		all.Go(func() { p.watch(ctx, peer) })
	}
	all.Wait()
}

func (p *Prober) watch(ctx context.Context, peer string) {
	tick := time.NewTicker(p.Interval)
	defer tick.Stop()
	for {
		err := p.ask(ctx, peer)
		if ctx.Err() != nil {
			return
		}
		p.record(peer, err)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// ask returns nil when the peer says that it serves.
func (p *Prober) ask(ctx context.Context, peer string) error {
	conn, err := p.To(peer)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	r, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		return err
	}
	if r.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("probe %s: %s", peer, r.Status)
	}
	return nil
}

func (p *Prober) record(peer string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered[peer] = err == nil
	about := map[string]string{"peer": peer}
	if err == nil {
		if p.strikes[peer] >= p.Strikes {
			p.Note(events.Cleared, peer+" answers again", about)
		}
		p.strikes[peer] = 0
		return
	}
	if p.strikes[peer] >= p.Strikes {
		return // known; saying so at every probe would bury the rest
	}
	p.strikes[peer]++
	about["strike"] = strconv.Itoa(p.strikes[peer])
	about["error"] = err.Error()
	p.Note(events.Strike, fmt.Sprintf("%s did not answer, strike %d of %d", peer, p.strikes[peer], p.Strikes), about)
	if p.strikes[peer] == p.Strikes {
		p.Note(events.Suspect, peer+" is suspected", map[string]string{"peer": peer})
	}
}

// Suspects lists the peers with all their strikes, sorted.
func (p *Prober) Suspects() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for peer, n := range p.strikes {
		if n >= p.Strikes {
			out = append(out, peer)
		}
	}
	slices.Sort(out)
	return out
}

// Answers says whether the last probe of a peer was answered.
func (p *Prober) Answers(peer string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answered[peer]
}
