package harness

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

const (
	feltLimit   = 5 * time.Second  // from confirmed to effective
	sparedLimit = 3 * time.Second  // for a neighbour to prove itself untouched
	goneLimit   = 15 * time.Second // from healed to proved healed
	healLimit   = 30 * time.Second // for a heal to return
)

// timeline carries out the plan's steps, each at its time, overlapping freely.
// It returns when every fault is healed, and heals at once when ctx ends.
func (r *run) timeline(ctx context.Context) error {
	zero := r.now()
	t := &disturbance{run: r, zero: zero, under: map[string]topology.FaultImpact{}}
	var steps sync.WaitGroup
	for _, s := range r.plan.Steps {
		steps.Go(func() {
			if sleep(ctx, zero+s.At-r.now()) == nil {
				t.carryOut(ctx, s)
			}
		})
	}
	steps.Wait()
	return ctx.Err()
}

// disturbance is what is being done to the cluster at the moment.
type disturbance struct {
	*run
	zero time.Duration

	mu      sync.Mutex
	under   map[string]topology.FaultImpact // what faults under way touch
	sampled bool                            // the links were measured during a fault
}

// carryOut injects one fault, proves it, waits, heals it and proves that.
func (t *disturbance) carryOut(ctx context.Context, s scenarios.Step) {
	f := &record.Fault{
		ID: s.ID, Name: s.Fault, Episode: s.Episode,
		Inject: record.Times{Planned: t.zero + s.At, Requested: t.now(), Confirmed: record.NotReached, Effective: record.NotReached},
		Heal:   record.Times{Planned: t.zero + s.At + s.For, Requested: record.NotReached, Confirmed: record.NotReached, Effective: record.NotReached},
	}
	index := 0
	t.change(func(run *record.Run) { run.Faults = append(run.Faults, *f); index = len(run.Faults) - 1 })
	// Every change to f is copied to the record, so that a crash leaves the last one.
	update := func(edit func()) { edit(); t.change(func(run *record.Run) { run.Faults[index] = *f }) }

	v, err := t.victims(ctx, s)
	if err != nil {
		update(func() { f.Description, f.Error = s.Fault, err.Error() })
		t.tell(f, "failed", err.Error())
		return
	}
	update(func() {
		f.Description, f.Impact = s.With.Describe(v), s.With.Impact(v)
		f.Nodes = ids(v.Nodes)
		if d, ok := s.With.(faults.LinkFault); ok {
			f.Flows = d.Flows(v)
		}
	})
	injection := s.With.Prepare(v)
	if err := t.inject(ctx, s, v, injection, f, update); err != nil {
		return
	}
	t.begin(f.Description)
	defer t.end(f.Description)
	felt := make(chan struct{})
	provingCtx, stopProving := context.WithCancel(ctx)
	go func() {
		defer close(felt)
		t.prove(provingCtx, injection, f, update)
	}()
	_ = sleep(ctx, f.Heal.Planned-t.now())
	stopProving()
	<-felt
	t.heal(ctx, injection, f, update)
}

// victims resolves the step's selectors; a role is who has it now.
func (t *disturbance) victims(ctx context.Context, s scenarios.Step) (faults.Victims, error) {
	v := faults.Victims{Cluster: t.cluster, ID: s.ID, Seed: s.Seed}
	var err error
	if v.Nodes, err = t.choose(ctx, s.On); err != nil {
		return v, fmt.Errorf("%s: on: %w", s.ID, err)
	}
	if !s.To.Empty() {
		if v.To, err = t.choose(ctx, s.To); err != nil {
			return v, fmt.Errorf("%s: to: %w", s.ID, err)
		}
	}
	return v, nil
}

// others is what the other faults under way touch.
func (t *disturbance) others(id string) []topology.FaultImpact {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []topology.FaultImpact
	for other, d := range t.under {
		if other != id {
			out = append(out, d)
		}
	}
	return out
}

func (t *disturbance) choose(ctx context.Context, sel topology.Selector) ([]topology.Node, error) {
	nodes := t.plan.Topology.Select(sel)
	if sel.Role != "" {
		// Nobody may have it at the moment: an election may be under way.
		var have []topology.NodeID
		err := poll(ctx, feltLimit, func(ctx context.Context) (err error) {
			have, err = t.o.Target.Resolve(ctx, t.cluster, sel.Role)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("who is %s: %w", sel.Role, err)
		}
		nodes = slices.DeleteFunc(nodes, func(n topology.Node) bool { return !slices.Contains(have, n.ID) })
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("%+v matches no node", sel)
	}
	return nodes, nil
}

func (t *disturbance) inject(ctx context.Context, s scenarios.Step, v faults.Victims, i faults.Injection, f *record.Fault, update func(func())) error {
	if err := t.guard.Log().Append(cluster.CleanupEntry{What: "fault", ID: f.ID, Undo: "heal: " + f.Description, At: time.Now()}); err != nil {
		update(func() { f.Error = err.Error() })
		t.tell(f, "failed", err.Error())
		return err
	}
	t.mu.Lock()
	t.under[s.ID] = faults.Affects(s.With, v)
	t.mu.Unlock()
	update(func() { f.Inject.Requested = t.now() })
	t.tell(f, "requested", f.Description)
	if err := i.Inject(ctx); err != nil {
		t.mu.Lock()
		delete(t.under, s.ID)
		t.mu.Unlock()
		update(func() { f.Error = err.Error() })
		t.tell(f, "failed", err.Error())
		return err
	}
	update(func() { f.Inject.Confirmed = t.now() })
	t.tell(f, "confirmed", f.Description)
	return nil
}

// prove measures that the fault is felt and that a neighbour is not, while it lasts.
func (t *disturbance) prove(ctx context.Context, i faults.Injection, f *record.Fault, update func(func())) {
	var saw string
	err := poll(ctx, feltLimit, func(ctx context.Context) (err error) { saw, err = i.Active(ctx); return err })
	at := t.now()
	update(func() {
		f.Active = proof(saw, err)
		if err == nil {
			f.Inject.Effective = at
		}
	})
	if err != nil {
		t.measured(f, "not felt", err.Error())
		return
	}
	t.measured(f, "effective", saw)
	t.mu.Lock()
	first := !t.sampled
	t.sampled = true
	t.mu.Unlock()
	if first {
		t.sample(ctx, "during")
	}
	err = poll(ctx, sparedLimit, func(ctx context.Context) (err error) {
		saw, err = i.ControlUnaffected(ctx, t.others(f.ID))
		return err
	})
	update(func() { f.ControlUnaffected = proof(saw, err) })
	if err != nil {
		t.measured(f, "neighbour not spared", err.Error())
	}
}

// heal takes the fault away, even when ctx is over, and proves that it is gone.
func (t *disturbance) heal(ctx context.Context, i faults.Injection, f *record.Fault, update func(func())) {
	interrupted := ctx.Err() != nil
	proving := ctx
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit)
	defer cancel()
	update(func() { f.Heal.Requested = t.now() })
	t.tell(f, "heal requested", f.Description)
	err := i.Heal(ctx)
	t.mu.Lock()
	delete(t.under, f.ID)
	t.mu.Unlock()
	if err != nil {
		update(func() { f.HealError = err.Error() })
		t.tell(f, "heal failed", err.Error())
		return
	}
	update(func() { f.Heal.Confirmed = t.now() })
	t.tell(f, "healed", f.Description)
	if interrupted {
		return // everything is about to be removed
	}
	// What another fault still does to the same victims is not this one's remains.
	for len(t.others(f.ID)) > 0 && sleep(proving, pollInterval) == nil {
		if _, err := i.Cleared(proving); err == nil {
			break
		}
	}
	var saw string
	err = poll(proving, goneLimit, func(ctx context.Context) (err error) { saw, err = i.Cleared(ctx); return err })
	at := t.now()
	update(func() {
		f.Cleared = proof(saw, err)
		if err == nil {
			f.Heal.Effective = at
		}
	})
	if err != nil {
		t.measured(f, "not gone", err.Error())
		return
	}
	t.measured(f, "gone", saw)
}

func (t *disturbance) tell(f *record.Fault, kind record.EventKind, says string) {
	t.emit(record.Event{Source: record.FromFault, Kind: kind, Fault: f.ID, Description: says})
}

// measured tells what the fault's proofs found, and tell what was done.
func (t *disturbance) measured(f *record.Fault, kind record.EventKind, saw string) {
	t.emit(record.Event{Source: record.FromProbe, Kind: kind, Fault: f.ID, Description: saw})
}

func proof(saw string, err error) record.Proof {
	if err != nil {
		return record.Proof{Observed: err.Error()}
	}
	return record.Proof{Proved: true, Observed: saw}
}

func ids(nodes []topology.Node) []topology.NodeID {
	out := make([]topology.NodeID, len(nodes))
	for i, n := range nodes {
		out[i] = n.ID
	}
	return out
}
