package arbiter

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// pollInterval is how often the arbiter compares the present state with the wanted one.
const pollInterval = 50 * time.Millisecond

// Timing is how fast traffic and leadership return to a recovered region.
type Timing struct {
	Step          time.Duration // between two quarter steps of a region's weight
	FailbackDelay time.Duration // how long all nodes must be healthy before leadership returns to the main region
}

// Arbiter is one node's part in arbitration. All fields are needed.
type Arbiter struct {
	Self    string
	Cluster func() Cluster // as it is now, since nodes are added and removed
	Timing
	State      *state.State
	Suspicions func() (suspects, known []string)            // of this node's prober
	CanLead    func(ctx context.Context, node string) error // nil if a node serves and is fit to lead now
	// Commit commits through the present leader, if there is one; Propose through this node.
	Commit, Propose    func(ctx context.Context, c *api.Command) (*api.Applied, error)
	Leads              func() (term uint64, ok bool)
	TransferLeadership func(ctx context.Context, to string) error
	Note               func(k events.Kind, description string, fields map[string]string)
	// Defects are faults that the node is started with on purpose.
	Defects Defects
}

// Report commits this node's suspicions whenever they change, until ctx ends.
func (a *Arbiter) Report(ctx context.Context) {
	every(ctx, pollInterval, func() {
		suspects, known := a.Suspicions()
		if s := a.State.HealthView(); slices.Equal(suspects, s.Suspects[a.Self]) && slices.Equal(known, s.Known[a.Self]) {
			return
		}
		// After a failure the next poll tries again, with the suspicions of that time.
		_, _ = a.Commit(ctx, &api.Command{Do: &api.Command_Suspicions{
			Suspicions: &api.Suspicions{Reporter: a.Self, Suspects: suspects, Known: known},
		}})
	})
}

// Judge decides for the cluster while this node leads, until ctx ends.
func (a *Arbiter) Judge(ctx context.Context) {
	var stepped, healthySince time.Time // stepped is when a weight last moved
	every(ctx, pollInterval, func() {
		if _, ok := a.Leads(); !ok {
			stepped, healthySince = time.Time{}, time.Time{}
			return
		}
		was, c := a.State.HealthView(), a.Cluster()
		if stepped.IsZero() {
			stepped = time.Now()
		}
		lost := c.Lost(was, a.Self)
		quarters := a.Defects.quarters(was, c.NextQuarters(was, lost, time.Since(stepped) >= a.Step))
		if !slices.Equal(lost, was.Lost) || moved(was, quarters) {
			a.decide(ctx, c, was, lost, quarters)
			stepped, healthySince = time.Now(), time.Time{} // the next step counts from the committed decision
			return
		}
		if healthySince.IsZero() {
			healthySince = time.Now()
		}
		a.returnLeadership(ctx, c, was, &healthySince)
	})
}

func moved(was state.HealthView, quarters map[string]uint32) bool {
	for region, q := range quarters {
		if was.QuartersOf(region) != q {
			return true
		}
	}
	return false
}

// decide commits a decision and, once it is committed, notes what it changed.
func (a *Arbiter) decide(ctx context.Context, c Cluster, was state.HealthView, lost []string, quarters map[string]uint32) {
	_, err := a.Propose(ctx, &api.Command{Do: &api.Command_Decision{
		Decision: &api.Decision{Lost: lost, WeightQuarters: quarters},
	}})
	if err != nil {
		return // deposed, or the next poll tries again
	}
	for _, n := range lost {
		if !slices.Contains(was.Lost, n) {
			a.Note(events.Confirmed, fmt.Sprintf("%s is lost: %d of %d regions find it dead", n, c.votes(was, n, dead), len(c.Weights)), c.eventFields(n))
		}
	}
	for _, n := range was.Lost {
		if _, member := c.Regions[n]; member && !slices.Contains(lost, n) {
			a.Note(events.Rejoined, n+" is back", c.eventFields(n))
		}
	}
	if !moved(was, quarters) {
		return
	}
	weights := state.HealthView{WeightQuarters: quarters}.Weights(c.Weights)
	fields := map[string]string{"lost": strings.Join(lost, " ")}
	var shares []string
	for _, r := range c.byWeight() {
		fields[r] = strconv.Itoa(weights[r])
		shares = append(shares, r+" "+fields[r])
	}
	a.Note(events.Weights, strings.Join(shares, ", "), fields)
}

func (c Cluster) eventFields(node string) map[string]string {
	return map[string]string{"peer": node, "region": c.Regions[node]}
}

func (c Cluster) byWeight() []string {
	return slices.SortedFunc(maps.Keys(c.Weights), func(x, y string) int {
		return cmp.Or(cmp.Compare(c.Weights[y], c.Weights[x]), cmp.Compare(x, y))
	})
}

// returnLeadership transfers leadership to the main region when all nodes have been
// healthy for long enough, and not earlier: the main region's node may just have given it
// up because it is stopping.
func (a *Arbiter) returnLeadership(ctx context.Context, c Cluster, s state.HealthView, healthySince *time.Time) {
	main := c.MainRegion()
	if c.Regions[a.Self] == main || s.QuartersOf(main) < state.FullWeight {
		return
	}
	if time.Since(*healthySince) < a.FailbackDelay {
		return
	}
	for _, n := range c.Voters {
		if c.Regions[n] == main && !slices.Contains(s.Lost, n) && c.reachable(s, n) {
			*healthySince = time.Now() // if it fails it is not tried again at once
			if a.CanLead(ctx, n) == nil {
				_ = a.TransferLeadership(ctx, n)
			}
			return
		}
	}
}

func every(ctx context.Context, d time.Duration, do func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			do()
		case <-ctx.Done():
			return
		}
	}
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
