package gateway

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// PulseTiming is how a gateway checks the leader that it routes to.
type PulseTiming struct {
	Interval time.Duration // between the starts of two checks
	Timeout  time.Duration // of one check
	Strikes  int           // failures in a row after which the leader is not waited for
}

// Pulse checks the health of the node that calls are routed to. Consensus tells
// when a leader has fallen silent to its followers; a leader that still leads,
// but whose API does not answer this gateway, it does not tell. Fill the
// exported fields, then Run it. A nil Pulse finds everybody well.
type Pulse struct {
	PulseTiming
	Self   string
	Leader func() (name string, changed <-chan struct{})
	To     func(name string) (*grpc.ClientConn, error)

	mu   sync.Mutex
	dead string        // the leader that has all its strikes, "" when none
	news chan struct{} // closed and replaced when dead changes
}

// Run checks until ctx ends.
func (p *Pulse) Run(ctx context.Context) {
	tick := time.NewTicker(p.Interval)
	defer tick.Stop()
	of, strikes := "", 0
	for {
		leader, _ := p.Leader()
		if leader != of {
			of, strikes = leader, 0
		}
		if leader == "" || leader == p.Self || p.answers(ctx, leader) {
			strikes = 0
			p.find("")
		} else if strikes++; strikes >= p.Strikes && ctx.Err() == nil {
			p.find(leader)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (p *Pulse) answers(ctx context.Context, name string) bool {
	conn, err := p.To(name)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	r, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	return err == nil && r.Status == grpc_health_v1.HealthCheckResponse_SERVING
}

func (p *Pulse) find(dead string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead == dead {
		return
	}
	p.dead = dead
	if p.news != nil {
		close(p.news)
		p.news = nil
	}
}

// Dead says whether a node does not answer its checks, and returns a channel that is
// closed when that may have changed.
func (p *Pulse) Dead(name string) (bool, <-chan struct{}) {
	if p == nil {
		return false, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.news == nil {
		p.news = make(chan struct{})
	}
	return p.dead != "" && p.dead == name, p.news
}
