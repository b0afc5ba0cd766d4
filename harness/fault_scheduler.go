package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// How long things may take on a machine that is free. On a busy one proofs may take as
// many times longer as it is measured to be slower.
const (
	resolveTimeout = 5 * time.Second        // for somebody to have the role that a selector names
	activeTimeout  = 5 * time.Second        // from confirmed to proved active
	controlTimeout = 3 * time.Second        // from proved active to a control link or node that is proved unaffected
	clearedTimeout = 15 * time.Second       // from healed to proved cleared
	healTimeout    = 30 * time.Second       // for a heal to succeed
	healAttempt    = 10 * time.Second       // for one try of it: the engine may be busy, or not there for a moment
	beforeTimeout  = 600 * time.Millisecond // for the measurement that a fault's effect was not there before it
	// proofGrace is how much longer than asked a fault lasts when its proof is
	// not in yet: one that was not proved would put nothing to the test.
	proofGrace = 2 * time.Second
)

// The reasons why a proof is cut short.
var (
	errHealed = errors.New("the fault was healed")
	errEnding = errors.New("the run is ending")
)

// faultScheduler injects faults, proves them, heals them and proves that.
// Faults may overlap, and are healed in any order.
type faultScheduler struct {
	target  targets.Target
	cluster *cluster.Cluster
	cleanup cluster.CleanupLog
	log     *runLog
	// blastRadius bounds what the faults may do together; zero bounds nothing.
	blastRadius scenarios.BlastRadius
	// slowdown is how many times longer than usual the machine takes now; see machineMonitor.slowdown.
	slowdown func() float64

	life   context.Context // of all proofs
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	active   []*Injection  // requested and not healed
	sampled  bool          // the links were measured during a fault
	changed  time.Duration // when a fault was last confirmed or healed
	closed   bool
	inFlight sync.WaitGroup // calls of inject
	underWay sync.WaitGroup // confirmed injections of which something may become known
}

func newFaultScheduler(ctx context.Context, target targets.Target, c *cluster.Cluster, cleanup cluster.CleanupLog, log *runLog, slowdown func() float64) *faultScheduler {
	s := &faultScheduler{target: target, cluster: c, cleanup: cleanup, log: log, slowdown: slowdown}
	s.life, s.cancel = context.WithCancelCause(ctx)
	return s
}

// inject carries out a step and returns when the injection is confirmed. Its
// proof has begun then. What goes wrong is on record as well as in the error.
func (s *faultScheduler) inject(ctx context.Context, step scenarios.Step, planned, plannedHeal time.Duration) (*Injection, error) {
	ctx, leave, err := s.enter(ctx, step)
	if err != nil {
		return nil, err
	}
	defer leave()
	i := newInjection(s, step, planned, plannedHeal)
	if err := i.prepare(ctx); err != nil {
		return nil, err
	}
	if err := i.carryOut(ctx, i.effectBefore(ctx)); err != nil {
		return nil, err
	}
	return i, nil
}

// enter begins an injection, which leave ends, unless the run is ending. Its context ends with the run.
func (s *faultScheduler) enter(ctx context.Context, step scenarios.Step) (_ context.Context, leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, fmt.Errorf("inject %s: %w", step.ID, errEnding)
	}
	s.inFlight.Add(1)
	ctx, cancel := joinContexts(ctx, s.life)
	return ctx, func() { cancel(); s.inFlight.Done() }, nil
}

// prepare resolves the step's selectors, binds the fault to its victims, and writes the undo to the clean-up
// log. Nothing happens to the victims yet.
func (i *Injection) prepare(ctx context.Context) error {
	s, step := i.scheduler, i.step
	v, err := s.victims(ctx, step)
	if err != nil {
		i.update(func(f *record.Fault) { f.Description = step.Fault })
		if _, empty := errors.AsType[scenarios.EmptySelectionError](err); empty {
			return i.skip(err)
		}
		return i.fail(err)
	}
	injected := step.Injected()
	i.fault, i.affects = injected.Prepare(v), faults.Affects(injected, v)
	i.update(func(f *record.Fault) {
		f.Description, f.Impact, f.Nodes = injected.Describe(v), injected.Impact(v), nodeIDs(v.Nodes)
		if l, ok := injected.(faults.LinkFault); ok {
			f.Flows = l.Flows(v)
		}
	})
	entry := cluster.CleanupEntry{What: "fault", ID: step.ID, Undo: "heal: " + i.Description(), At: time.Now()}
	if err := s.cleanup.Append(entry); err != nil {
		return i.fail(err)
	}
	return nil
}

// carryOut injects a fault that is prepared and begins its proof. Before is what was measured of its effect
// beforehand.
func (i *Injection) carryOut(ctx context.Context, before string) error {
	s, description := i.scheduler, i.Description()
	if exceeded := s.admit(i); exceeded != "" {
		return i.refuse(exceeded)
	}
	i.update(func(f *record.Fault) { f.PreExisting, f.Inject.Requested = before, s.log.now() })
	i.emit(record.FromFault, record.EventInjectRequested, description)
	if err := i.fault.Inject(ctx); err != nil {
		s.remove(i)
		return i.fail(err)
	}
	s.change()
	i.update(func(f *record.Fault) { f.Inject.Confirmed = s.log.now() })
	i.emit(record.FromFault, record.EventInjectConfirmed, description)
	s.log.progress.begin(description)
	s.underWay.Add(1) // until finish
	go i.prove()
	return nil
}

// victims resolves the step's selectors; a role is whoever has it now.
func (s *faultScheduler) victims(ctx context.Context, step scenarios.Step) (faults.Victims, error) {
	v := faults.Victims{Cluster: s.cluster, ID: step.ID, Seed: step.Seed}
	holders := map[topology.Role][]topology.NodeID{}
	for _, role := range step.Roles() {
		// Nobody may have it at the moment: an election may be under way.
		err := poll(ctx, s.deadline(resolveTimeout), func(ctx context.Context) (err error) {
			holders[role], err = s.target.Resolve(ctx, s.cluster, role)
			return err
		})
		if err != nil {
			return v, fmt.Errorf("%s: who is %s: %w", step.ID, role, err)
		}
	}
	var err error
	if v.Nodes, v.To, err = step.Victims(s.cluster.Topology, holders); err != nil {
		return v, fmt.Errorf("%s: %w", step.ID, err)
	}
	return v, nil
}

// change notes that a fault is in force from now on, or no longer.
func (s *faultScheduler) change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = s.log.now()
}

// latestChange is when a fault was last confirmed or healed; 0 before the first.
func (s *faultScheduler) latestChange() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// deadline is a timeout on this machine as busy as it is now.
func (s *faultScheduler) deadline(timeout time.Duration) time.Duration {
	return time.Duration(float64(timeout) * s.slowdown())
}

// others is what the other faults under way affect.
func (s *faultScheduler) others(id string) []topology.FaultImpact {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []topology.FaultImpact
	for _, i := range s.active {
		if i.step.ID != id {
			out = append(out, i.affects)
		}
	}
	return out
}

// admit adds a fault to those under way, unless they would go beyond the blast radius together: then it says how.
func (s *faultScheduler) admit(i *Injection) (exceeded string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := i.Record()
	victims, impacts := f.Nodes, []topology.FaultImpact{f.Impact}
	for _, other := range s.active {
		f := other.Record()
		victims, impacts = slices.Concat(victims, f.Nodes), append(impacts, f.Impact)
	}
	if exceeded = s.blastRadius.Exceeded(s.cluster.Topology, victims, topology.MergeImpacts(impacts...)); exceeded == "" {
		s.active = append(s.active, i)
	}
	return exceeded
}

func (s *faultScheduler) remove(i *Injection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = slices.DeleteFunc(s.active, func(a *Injection) bool { return a == i })
}

// underWayNow is how many faults are requested and not healed.
func (s *faultScheduler) underWayNow() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.active)
}

// healAll heals every fault under way and waits until each is proved cleared.
func (s *faultScheduler) healAll(ctx context.Context) error {
	s.mu.Lock()
	active := slices.Clone(s.active)
	s.mu.Unlock()
	errs := make([]error, len(active))
	var all sync.WaitGroup
	for n, i := range active {
		all.Go(func() { errs[n] = i.Heal(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// close injects nothing any more, cuts proofs short and heals what is under
// way. Everything is about to be removed, so no heal is proved.
func (s *faultScheduler) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel(errEnding)
	s.inFlight.Wait()
	_ = s.healAll(s.life) // what failed is on record
	s.underWay.Wait()
}

// wait returns when every injection is healed and every proof has ended.
func (s *faultScheduler) wait() { s.underWay.Wait() }

// sampleOnce measures the links during the first fault that is proved.
func (s *faultScheduler) sampleOnce(ctx context.Context) {
	s.mu.Lock()
	first := !s.sampled
	s.sampled = true
	s.mu.Unlock()
	if first && !recordLinks(ctx, s.cluster, s.log, "during") {
		s.mu.Lock()
		s.sampled = false // it was cut short: the next fault may last longer
		s.mu.Unlock()
	}
}

func nodeIDs(nodes []topology.Node) []topology.NodeID {
	out := make([]topology.NodeID, len(nodes))
	for i, n := range nodes {
		out[i] = n.ID
	}
	return out
}
