package health

import (
	"context"
	"slices"
	"sync"
	"time"
)

// pollInterval is how often the prober reads which peers it has to probe.
const pollInterval = 50 * time.Millisecond

// Run probes until ctx ends. Every peer has a goroutine of its own, so that one that hangs
// delays no other probe. What was found out about a peer is forgotten when it is not
// assigned to this node any more.
func (p *Prober) Run(ctx context.Context) {
	p.mu.Lock()
	p.started = time.Now()
	p.suspicions, p.consulting = map[string]*suspicion{}, map[string]bool{}
	p.mu.Unlock()
	defer p.consultations.Wait()
	p.consultations.Go(func() { p.stalls.run(ctx) })
	watched := map[string]func(){}
	defer func() {
		for _, stop := range watched {
			stop()
		}
	}()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		targets := p.Targets()
		for peer, stop := range watched {
			if !slices.Contains(targets, peer) {
				stop()
				delete(watched, peer)
				p.forget(peer)
			}
		}
		for _, peer := range targets {
			if watched[peer] == nil {
				watched[peer] = p.startProbing(ctx, peer)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// startProbing probes a peer until stop is called, which waits until probing has ended.
func (p *Prober) startProbing(ctx context.Context, peer string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var probing sync.WaitGroup
	probing.Go(func() { p.watch(ctx, peer) })
	return func() {
		cancel()
		probing.Wait()
	}
}

func (p *Prober) forget(peer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.suspicions, peer)
}

// Suspicions returns the peers that this node suspects, and all peers that it has probed for
// long enough to say, suspected ones included. Both are sorted.
func (p *Prober) Suspicions() (suspects, known []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for peer, s := range p.suspicions {
		if s.stage == suspected {
			suspects = append(suspects, peer)
		}
		if s.informed() {
			known = append(known, peer)
		}
	}
	slices.Sort(suspects)
	slices.Sort(known)
	return suspects, known
}

// PendingOrSuspected returns the peers that are pending or suspected.
func (p *Prober) PendingOrSuspected() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for peer, s := range p.suspicions {
		if s.stage != trusted {
			out = append(out, peer)
		}
	}
	return out
}

// Suspects returns the peers that this node suspects, sorted.
func (p *Prober) Suspects() []string {
	suspects, _ := p.Suspicions()
	return suspects
}
