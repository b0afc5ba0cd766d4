package faults

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// CrashLoop kills the victims, starts them again at once, and kills them again
// each time they have run for a while, until the heal: a program that cannot stay
// up, and that somebody restarts.
type CrashLoop struct {
	// Up is how long a victim runs before it is killed again, between 100ms and
	// 1m. Empty means 1s.
	Up time.Duration `json:"up,omitempty" yaml:"up,omitempty"`
}

func (c *CrashLoop) up() time.Duration {
	if c.Up == 0 {
		return time.Second
	}
	return c.Up
}

// Validate implements Validator.
func (c *CrashLoop) Validate() error {
	if c.up() < 100*time.Millisecond || c.up() > time.Minute {
		return InvalidField{Field: "up", Message: "must be between 100ms and 1m"}
	}
	return nil
}

// Prepare implements Fault.
func (c *CrashLoop) Prepare(v Victims) Injection {
	return &crashLoopInjection{processInjection{victims: v, state: cluster.Exited, signal: cluster.Kill}, c.up()}
}

// Impact implements Fault. A node that is killed again and again cannot be relied
// on, so it counts as down for as long as the fault lasts.
func (c *CrashLoop) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (c *CrashLoop) Describe(v Victims) string {
	return fmt.Sprintf("crash %s again and again, each time after %v", names(v.Cluster.Topology, v.Nodes), c.up())
}

type crashLoopInjection struct {
	processInjection
	up time.Duration
}

// Inject implements Injection. Every victim is killed once when it returns; the
// rest is done by a goroutine for each, which ends with Heal.
func (c *crashLoopInjection) Inject(ctx context.Context) error {
	return c.inject(func() (func(context.Context) error, error) {
		return forEachVictim(ctx, c.victims, func(ctx context.Context, n topology.Node) (func(context.Context) error, error) {
			start, err := c.kill(ctx, n.ID)
			if err != nil {
				return nil, err
			}
			return c.loop(context.WithoutCancel(ctx), n.ID, start).stop, nil
		})
	})
}

func (c *crashLoopInjection) kill(ctx context.Context, id topology.NodeID) (start func(context.Context) error, err error) {
	return c.victims.Cluster.Hold(ctx, id, cluster.Exited, cluster.Kill)
}

// crasher kills one node again and again.
type crasher struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	start  func(context.Context) error // nil while the node runs; the goroutine's until done
}

func (c *crashLoopInjection) loop(ctx context.Context, id topology.NodeID, start func(context.Context) error) *crasher {
	ctx, cancel := context.WithCancel(ctx)
	k := &crasher{cancel: cancel, start: start}
	k.done.Go(func() {
		for ctx.Err() == nil {
			// What fails is tried again at the next turn; meanwhile no proof comes.
			if k.start != nil && k.start(ctx) == nil {
				k.start = nil
			}
			if sleep(ctx, c.up) != nil {
				return
			}
			if k.start == nil {
				k.start, _ = c.kill(ctx, id)
			}
		}
	})
	return k
}

// stop ends the loop and leaves the node running.
func (k *crasher) stop(ctx context.Context) error {
	k.cancel()
	k.done.Wait()
	if k.start == nil {
		return nil
	}
	if err := k.start(ctx); err != nil {
		return err
	}
	k.start = nil
	return nil
}

// crashWindow is how much longer than it stays up a victim is watched: as long as
// it takes to kill it and start it again.
const crashWindow = 800 * time.Millisecond

// Active implements Verifier: every victim was started again while it was watched.
func (c *crashLoopInjection) Active(ctx context.Context) (string, error) {
	if len(c.victims.Nodes) == 0 {
		return "", errNoVictim
	}
	observed := make([]string, len(c.victims.Nodes))
	err := forAll(c.victims.Nodes, func(i int, n topology.Node) error {
		starts, _, err := c.watch(ctx, n.ID, 2*(c.up+crashWindow), 2)
		if err == nil && starts < 2 {
			err = fmt.Errorf("%s was not started again for %v", n.ID, 2*(c.up+crashWindow))
		}
		observed[i] = fmt.Sprintf("%s was started again", n.ID)
		return err
	})
	return summarize(observed), err
}

// Cleared implements Verifier: every victim runs for longer than it did before it
// was killed again.
func (c *crashLoopInjection) Cleared(ctx context.Context) (string, error) {
	return c.steady(ctx, c.victims.Nodes)
}

// ControlUnaffected implements Verifier: a node that is no victim runs for longer than that.
func (c *crashLoopInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	n, ok := controlNode(c.victims, others)
	if !ok {
		return noControlNode, nil
	}
	return c.steady(ctx, []topology.Node{n})
}

func (c *crashLoopInjection) steady(ctx context.Context, nodes []topology.Node) (string, error) {
	observed := make([]string, len(nodes))
	err := forAll(nodes, func(i int, n topology.Node) error {
		length := c.up + crashWindow
		starts, down, err := c.watch(ctx, n.ID, length, 2)
		if err == nil && (starts != 1 || down) {
			err = fmt.Errorf("%s did not run for %v without being down", n.ID, length)
		}
		observed[i] = fmt.Sprintf("%s ran for %v", n.ID, length)
		return err
	})
	return summarize(observed), err
}

// watch looks at a node over and over for a time, or until it has seen so many
// starts of it. The start that the node is running from counts as one.
func (c *crashLoopInjection) watch(ctx context.Context, id topology.NodeID, length time.Duration, enough int) (starts int, down bool, err error) {
	p, seen := c.victims.Cluster.Process(id), map[time.Time]bool{}
	for until := time.Now().Add(length); time.Now().Before(until) && len(seen) < enough; {
		s, err := p.Status(ctx)
		if err != nil {
			return 0, false, fmt.Errorf("state of %s: %w", id, err)
		}
		if s.State == cluster.Running {
			seen[s.Started] = true
		}
		down = down || s.State == cluster.Exited
		if err := sleep(ctx, controlInterval); err != nil {
			return 0, false, err
		}
	}
	return len(seen), down, nil
}
