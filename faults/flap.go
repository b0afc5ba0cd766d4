package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Flap cuts the links between the nodes of `on` and those of `to` and lets them
// carry again in turn, as a port or a route does that flaps. Without `to` the other
// side is every node outside `on`; when `on` is every node, each region flaps to
// each other.
type Flap struct {
	// Down is how long the links are cut each time, Up how long they carry in
	// between, each between 100ms and 1m. Empty means 1s.
	Down time.Duration `json:"down,omitempty" yaml:"down,omitempty"`
	Up   time.Duration `json:"up,omitempty" yaml:"up,omitempty"`
	// Mode is how a cut link behaves: hold, blackhole, refuse or reset; empty
	// means hold. See Partition.
	Mode links.Mode `json:"mode,omitempty" yaml:"mode,omitempty"`
	// Clients also cuts the clients of a region that is wholly on one side from
	// the nodes of the other side.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
	// ClientsOnly acts on the links of clients alone, see Partition.
	ClientsOnly bool `json:"clientsOnly,omitempty" yaml:"clientsOnly,omitempty"`
}

func (f *Flap) cut() cut {
	c := newCut(f.Mode, Both, f.Clients)
	c.clientsOnly = f.ClientsOnly
	return c
}

func (f *Flap) scope() scope { return f.cut().scope }

// times are the two parts of a period.
func (f *Flap) times() (down, up time.Duration) {
	or := func(d time.Duration) time.Duration {
		if d == 0 {
			return time.Second
		}
		return d
	}
	return or(f.Down), or(f.Up)
}

// Validate implements Validator.
func (f *Flap) Validate() error {
	down, up := f.times()
	for _, c := range []struct {
		field string
		is    time.Duration
	}{{"down", down}, {"up", up}} {
		if c.is < 100*time.Millisecond || c.is > time.Minute {
			return InvalidField{Field: c.field, Message: "must be between 100ms and 1m"}
		}
	}
	return validMode(f.Mode)
}

// Prepare implements Fault.
func (f *Flap) Prepare(v Victims) Injection {
	i := &flapInjection{cutInjection: f.cut().newInjection(v, f.Describe(v))}
	i.down, i.up = f.times()
	return i
}

// Flows implements LinkFault.
func (f *Flap) Flows(v Victims) []topology.Flow { return f.scope().flows(v) }

// Impact implements Fault. A link that is cut every now and then cannot be relied
// on, so it counts as cut for as long as the fault lasts.
func (f *Flap) Impact(v Victims) topology.FaultImpact { return f.cut().impact(v) }

// Describe implements Fault.
func (f *Flap) Describe(v Victims) string {
	down, up := f.times()
	return fmt.Sprintf("flap the links of %s (%v down, %v up, %s)", f.scope().between(v), down, up, f.cut().mode)
}

type flapInjection struct {
	*cutInjection
	down, up time.Duration
}

// Inject implements Injection. The links are cut when it returns, and flap from
// then on in a goroutine that ends with Heal.
func (f *flapInjection) Inject(ctx context.Context) error {
	err := f.inject(func() (func(context.Context) error, error) {
		if len(f.flows) == 0 {
			return nil, errNoLink
		}
		mend, err := f.cut(ctx)
		if err != nil {
			return nil, err
		}
		flapper := startFlapper(context.WithoutCancel(ctx), f, mend)
		return flapper.stop, nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", f.description, err)
	}
	return nil
}

func (f *flapInjection) cut(ctx context.Context) (mend func(context.Context) error, err error) {
	return f.victims.Cluster.Links.ApplyEffect(ctx, f.victims.ID, f.flows, f.effect)
}

// flapper cuts and mends links in turn.
type flapper struct {
	cancel context.CancelFunc
	loop   sync.WaitGroup

	mu   sync.Mutex
	mend func(context.Context) error // nil while the links carry
}

func startFlapper(ctx context.Context, f *flapInjection, mend func(context.Context) error) *flapper {
	ctx, cancel := context.WithCancel(ctx)
	p := &flapper{cancel: cancel, mend: mend}
	p.loop.Go(func() {
		for {
			if sleep(ctx, f.down) != nil {
				return
			}
			// A change that fails is tried again at the next turn; meanwhile no proof comes.
			_ = p.mendNow(ctx)
			if sleep(ctx, f.up) != nil {
				return
			}
			p.mu.Lock()
			if p.mend == nil {
				p.mend, _ = f.cut(ctx)
			}
			p.mu.Unlock()
		}
	})
	return p
}

func (p *flapper) mendNow(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mend == nil {
		return nil
	}
	if err := p.mend(ctx); err != nil {
		return err
	}
	p.mend = nil
	return nil
}

// stop ends the flapping and leaves the links carrying.
func (p *flapper) stop(ctx context.Context) error {
	p.cancel()
	p.loop.Wait()
	return p.mendNow(ctx)
}

// Active implements Verifier: within a period and a half every affected link was
// seen cut and was seen to carry.
func (f *flapInjection) Active(ctx context.Context) (string, error) {
	return confirm(func() (string, bool, error) {
		return f.controlled(ctx, f.silence(), func() (string, error) { return f.seenBoth(ctx) })
	})
}

func (f *flapInjection) seenBoth(ctx context.Context) (string, error) {
	seen, err := f.watch(ctx, f.links(), f.down+f.up+min(f.down, f.up))
	if err != nil {
		return "", err
	}
	for _, k := range f.links() {
		switch w := seen[k]; {
		case w.cut == 0:
			return "", fmt.Errorf("%s is not cut: all of %d echoes came", k, w.carried)
		case w.carried == 0:
			return "", fmt.Errorf("%s does not carry in between: none of %d echoes came", k, w.cut)
		}
	}
	k := f.links()[0]
	return fmt.Sprintf("cut and mended in turn: %s; over %s %d echoes came and %d did not", listLinks(f.links()), k, seen[k].carried, seen[k].cut), nil
}

// silence is how long an echo may take beyond the delays on its link. One that is
// held comes with the next turn, so none is waited for longer than a cut lasts.
func (f *flapInjection) silence() time.Duration { return max(f.down/2, minSilence) }

// Cleared implements Verifier: every link carries for a whole period.
func (f *flapInjection) Cleared(ctx context.Context) (string, error) { return f.steady(ctx, f.links()) }

// ControlUnaffected implements Verifier: a link that is not affected carries for a whole period.
func (f *flapInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	l, ok := f.controlLink(others)
	if !ok {
		return noControlLink, nil
	}
	return f.steady(ctx, []topology.Link{l})
}

func (f *flapInjection) steady(ctx context.Context, over []topology.Link) (string, error) {
	seen, err := f.watch(ctx, over, f.down+f.up)
	if err != nil {
		return "", err
	}
	for _, k := range over {
		if w := seen[k]; w.cut > 0 {
			return "", fmt.Errorf("over %s %d of %d echoes did not come", k, w.cut, w.cut+w.carried)
		}
	}
	return fmt.Sprintf("every echo over %s came for %v", listLinks(over), f.down+f.up), nil
}

// watched is what came of the echoes over one link.
type watched struct{ carried, cut int }

// watch measures links over and over for a time.
func (f *flapInjection) watch(ctx context.Context, over []topology.Link, length time.Duration) (map[topology.Link]watched, error) {
	if len(over) == 0 {
		return nil, errNoLink
	}
	mesh, until := f.victims.Cluster.Links, time.Now().Add(length)
	var mu sync.Mutex
	seen, errs := map[topology.Link]watched{}, []error{}
	note := func(k topology.Link, err error) {
		mu.Lock()
		defer mu.Unlock()
		w := seen[k]
		switch failure := links.ProbeFailureOf(err); {
		case err == nil:
			w.carried++
		case failure == "" || failure == links.Other:
			errs = append(errs, err)
		default:
			w.cut++
		}
		seen[k] = w
	}
	var all sync.WaitGroup
	for _, k := range over {
		all.Go(func() {
			for ctx.Err() == nil && time.Now().Before(until) {
				echo, cancel := context.WithTimeout(ctx, mesh.ExpectedRTT(k)+f.silence())
				s := mesh.Echo(echo, k)
				cancel()
				if ctx.Err() == nil {
					note(k, s.Err)
				}
				_ = sleep(ctx, controlInterval)
			}
		})
	}
	all.Wait()
	return seen, errors.Join(append(errs, ctx.Err())...)
}
