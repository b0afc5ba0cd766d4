package health

import (
	"context"
	"slices"
	"sync"
	"time"
)

// look is how often the prober asks for its duties.
const look = 50 * time.Millisecond

// Run probes until ctx ends. Every peer has a routine of its own, so that one
// that hangs delays nobody's probes. What was found out about a peer that is no
// longer this node's duty is forgotten.
func (p *Prober) Run(ctx context.Context) {
	p.mu.Lock()
	p.began = time.Now()
	p.opinions, p.doubted = map[string]*opinion{}, map[string]bool{}
	p.mu.Unlock()
	defer p.asking.Wait()
	p.asking.Go(func() { p.pulse.run(ctx) })
	watched := map[string]func(){}
	defer func() {
		for _, stop := range watched {
			stop()
		}
	}()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		duties := p.Targets()
		for peer, stop := range watched {
			if !slices.Contains(duties, peer) {
				stop()
				delete(watched, peer)
				p.forget(peer)
			}
		}
		for _, peer := range duties {
			if watched[peer] == nil {
				watched[peer] = p.begin(ctx, peer)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// begin watches a peer until stop, which waits for the end of it.
func (p *Prober) begin(ctx context.Context, peer string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { p.watch(ctx, peer) })
	return func() {
		cancel()
		watch.Wait()
	}
}

func (p *Prober) forget(peer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.opinions, peer)
}

// Suspicions lists the peers that this node takes for dead, and all of which it
// can tell how they are, these too. Both are sorted.
func (p *Prober) Suspicions() (suspects, known []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for peer, o := range p.opinions {
		if o.stage == suspected {
			suspects = append(suspects, peer)
		}
		if o.formed() {
			known = append(known, peer)
		}
	}
	slices.Sort(suspects)
	slices.Sort(known)
	return suspects, known
}

// Doubted lists the peers that are pending or suspected.
func (p *Prober) Doubted() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for peer, o := range p.opinions {
		if o.stage != trusted {
			out = append(out, peer)
		}
	}
	return out
}

// Suspects lists the peers that this node takes for dead, sorted.
func (p *Prober) Suspects() []string {
	suspects, _ := p.Suspicions()
	return suspects
}
