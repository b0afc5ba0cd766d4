package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// leaderPollInterval is how often a system that reports no events is asked who leads.
const leaderPollInterval = 20 * time.Millisecond

// errNotTriggered is why a step is not carried out whose trigger did not fire.
var errNotTriggered = errors.New("what the step waited for did not happen")

// triggers fires what steps wait for. It hears of every event when it is recorded, and of every
// acknowledged write.
type triggers struct {
	target targets.Target
	log    *runLog

	mu      sync.Mutex
	acked   int // writes so far
	waiting map[*waiter]bool
}

// waiter is one step that waits.
type waiter struct {
	when   scenarios.Trigger
	since  time.Duration
	writes int         // acknowledged so far when it fires
	fired  chan firing // has room for one
}

// firing is when and why a trigger fired.
type firing struct {
	at    time.Duration
	cause string
}

func newTriggers(target targets.Target, log *runLog, stats *liveStats) *triggers {
	t := &triggers{target: target, log: log, waiting: map[*waiter]bool{}}
	log.onEvent, stats.onAck = t.event, t.acknowledged
	return t
}

// await returns when and why a trigger fired, or errNotTriggered when it has not within the time since it was armed.
func (t *triggers) await(ctx context.Context, c *cluster.Cluster, when scenarios.Trigger, within, armed time.Duration) (firing, error) {
	w := &waiter{when: when, since: armed, fired: make(chan firing, 1)}
	t.mu.Lock()
	w.writes = t.acked + when.Writes
	t.waiting[w] = true
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.waiting, w)
	}()
	if w.when.Kind == scenarios.StepReached { // which may have been before
		for _, f := range t.log.snapshot().Faults {
			if f.ID == w.when.Step && w.when.State.Reached(f) {
				t.fire(w, fmt.Sprintf("%s was %s already", f.ID, w.when.State))
			}
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if _, reports := t.target.(targets.EventSource); w.when.Kind == scenarios.LeaderChanged && !reports {
		var polling sync.WaitGroup
		polling.Go(func() { t.pollLeader(ctx, c, w) })
		defer polling.Wait()
		defer cancel()
	}
	deadline := time.NewTimer(armed + within - t.log.now())
	defer deadline.Stop()
	select {
	case f := <-w.fired:
		return f, nil
	case <-ctx.Done():
		return firing{}, context.Cause(ctx)
	case <-deadline.C:
	}
	select {
	case f := <-w.fired: // in the same instant
		return f, nil
	default:
		return firing{}, errNotTriggered
	}
}

// fire wakes the waiter, once.
func (t *triggers) fire(w *waiter, cause string) {
	select {
	case w.fired <- firing{t.log.now(), cause}:
	default:
	}
}

// event is called for each event on record, with the log's lock held.
func (t *triggers) event(e record.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for w := range t.waiting {
		if e.At >= w.since && (w.when.Matches(e) || t.rejoins(w, e)) {
			t.fire(w, describeEvent(e))
		}
	}
}

// rejoins reports whether the event is the heal of a fault that had taken down the node that w waits for.
func (t *triggers) rejoins(w *waiter, e record.Event) bool {
	if w.when.Kind != scenarios.NodeRejoining || e.Source != record.FromFault || e.Kind != record.EventHealConfirmed {
		return false
	}
	return slices.ContainsFunc(t.log.run.Faults, func(f record.Fault) bool {
		return f.ID == e.Fault && slices.Contains(f.Impact.Down, w.when.Node)
	})
}

// acknowledged is called for each acknowledged write with how many there are.
func (t *triggers) acknowledged(total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.acked = total
	for w := range t.waiting {
		if w.when.Kind == scenarios.WritesAcknowledged && total >= w.writes {
			t.fire(w, fmt.Sprintf("%d writes were acknowledged", w.when.Writes))
		}
	}
}

// pollLeader fires w when another node leads than when it was first asked.
func (t *triggers) pollLeader(ctx context.Context, c *cluster.Cluster, w *waiter) {
	var first []topology.NodeID
	for ctx.Err() == nil {
		leaders, err := t.target.Resolve(ctx, c, topology.Leader)
		switch {
		case err != nil || len(leaders) == 0: // nobody leads at the moment
		case first == nil:
			first = leaders
		case !slices.Equal(first, leaders):
			t.fire(w, fmt.Sprintf("%v leads, and before it did %v", leaders, first))
			return
		}
		if sleep(ctx, leaderPollInterval) != nil {
			return
		}
	}
}

// describeEvent writes an event on one line: "elected node=north-1 term=3".
func describeEvent(e record.Event) string {
	if e.Source == record.FromFault || e.Source == record.FromProbe {
		return fmt.Sprintf("%s is %s", e.Fault, e.Kind)
	}
	out := []string{string(e.Kind)}
	if e.Node != "" {
		out = append(out, "node="+string(e.Node))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		out = append(out, name+"="+e.Fields[name])
	}
	return strings.Join(out, " ")
}

// checkTriggers returns an error when a step or a phase of the load waits for what the target never reports.
func checkTriggers(target targets.Target, p scenarios.Plan) error {
	if _, reports := target.(targets.EventSource); reports {
		return nil
	}
	waits := func(id string, when scenarios.Trigger) error {
		if when.Kind != scenarios.SystemEvent {
			return nil
		}
		return fmt.Errorf("step %s waits for %q, and target %s reports no events", id, when, target.Name())
	}
	var errs []error
	for _, s := range p.Steps {
		errs = append(errs, waits(s.ID, s.When))
	}
	for i, l := range p.LoadPhases {
		errs = append(errs, waits(l.ID(i), l.When))
	}
	return errors.Join(errs...)
}
