package faults

import (
	"context"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// control measures paths beside links for as long as the links are measured. A
// machine that stands still for a moment makes every link look slow or cut; then
// it makes the control slow too.
type control struct {
	cancel context.CancelFunc
	loops  sync.WaitGroup

	mu      sync.Mutex
	worst   time.Duration
	rounds  map[topology.Endpoint]int // answers, by where the links are opened
	unknown bool                      // a path could not be measured
}

const (
	controlInterval = 10 * time.Millisecond
	// minControlRounds is how many answers it takes to know how busy the machine is.
	minControlRounds = 3
)

// startControl measures beside one link of each end that opens any of them, over
// and over until stop.
func (l *linkInjection) startControl(ctx context.Context, over []topology.Link) *control {
	ctx, cancel := context.WithCancel(ctx)
	c := &control{cancel: cancel, rounds: map[topology.Endpoint]int{}}
	byOpener := map[topology.Endpoint][]topology.Link{}
	for _, k := range over {
		byOpener[k.From] = append(byOpener[k.From], k)
		c.rounds[k.From] = 0
	}
	for opener, all := range byOpener {
		c.loops.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				begin := time.Now()
				s := l.victims.Cluster.Links.EchoDirect(ctx, all[i%len(all)])
				if ctx.Err() != nil {
					return
				}
				c.note(opener, time.Since(begin), s.Err)
				_ = sleep(ctx, controlInterval)
			}
		})
	}
	return c
}

func (c *control) note(opener topology.Endpoint, took time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rounds[opener]++
	c.worst = max(c.worst, took)
	c.unknown = c.unknown || err != nil
}

// slowest is the longest that a control took so far, the way of its result to here
// included. It is not known before every opener was measured some times.
func (c *control) slowest() (longest time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.rounds {
		if n < minControlRounds {
			return 0, false
		}
	}
	return c.worst, !c.unknown
}

// stop ends the measurements and waits for them.
func (c *control) stop() {
	c.cancel()
	c.loops.Wait()
}

// confirm returns an observation that is conclusive, or that was made in two
// measurements in a row.
func confirm(measure func() (observed string, conclusive bool, err error)) (string, error) {
	observed, conclusive, err := measure()
	if err != nil || conclusive {
		return observed, err
	}
	observed, _, err = measure()
	return observed, err
}
