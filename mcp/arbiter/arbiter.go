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

// look is how often the arbiter compares what is with what should be.
const look = 50 * time.Millisecond

// Timing is how fast traffic and leadership move back.
type Timing struct {
	Step   time.Duration // between two steps of a region's weight back to normal
	Settle time.Duration // all is well for this long before leadership returns to the main region
}

// Arbiter is one node's part in arbitration. All fields are needed.
type Arbiter struct {
	Self    string
	Cluster func() Cluster // as it is now: nodes come and go
	Timing
	State      *state.State
	Suspicions func() (suspects, known []string)            // of this node's prober
	CanLead    func(ctx context.Context, node string) error // whether a node serves, now
	// Commit commits through whoever leads, if there is one; Propose through this node.
	Commit, Propose    func(ctx context.Context, c *api.Command) (*api.Applied, error)
	Leads              func() (term uint64, ok bool)
	TransferLeadership func(ctx context.Context, to string) error
	Note               func(k events.Kind, says string, fields map[string]string)
	Defects            Defects
}

// Report keeps the cluster informed of this node's suspicions until ctx ends.
func (a *Arbiter) Report(ctx context.Context) {
	every(ctx, look, func() {
		suspects, known := a.Suspicions()
		if s := a.State.HealthView(); slices.Equal(suspects, s.Suspects[a.Self]) && slices.Equal(known, s.Known[a.Self]) {
			return
		}
		// A failure is tried again at the next look, with what is true then.
		_, _ = a.Commit(ctx, &api.Command{Do: &api.Command_Suspicions{
			Suspicions: &api.Suspicions{Reporter: a.Self, Suspects: suspects, Known: known},
		}})
	})
}

// Judge decides for the cluster while this node leads, until ctx ends.
func (a *Arbiter) Judge(ctx context.Context) {
	var stepped, calm time.Time // when a weight last moved; since when all is well
	every(ctx, look, func() {
		if _, ok := a.Leads(); !ok {
			stepped, calm = time.Time{}, time.Time{}
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
			stepped, calm = time.Now(), time.Time{} // from when it stands to the next step
			return
		}
		if calm.IsZero() {
			calm = time.Now()
		}
		a.returnHome(ctx, c, was, time.Since(calm), &calm)
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

// decide commits a decision and, once it stands, tells of it.
func (a *Arbiter) decide(ctx context.Context, c Cluster, was state.HealthView, lost []string, quarters map[string]uint32) {
	_, err := a.Propose(ctx, &api.Command{Do: &api.Command_Decision{
		Decision: &api.Decision{Lost: lost, WeightQuarters: quarters},
	}})
	if err != nil {
		return // deposed, or tried again at the next look
	}
	for _, n := range lost {
		if !slices.Contains(was.Lost, n) {
			a.Note(events.Confirmed, fmt.Sprintf("%s is lost: %d of %d regions agree", n, c.count(was, n, dead), len(c.Weights)), c.about(n))
		}
	}
	for _, n := range was.Lost {
		if _, member := c.Regions[n]; member && !slices.Contains(lost, n) {
			a.Note(events.Rejoined, n+" is back", c.about(n))
		}
	}
	if !moved(was, quarters) {
		return
	}
	weights := state.HealthView{WeightQuarters: quarters}.Weights(c.Weights)
	fields := map[string]string{"lost": strings.Join(lost, " ")}
	var says []string
	for _, r := range c.byWeight() {
		fields[r] = strconv.Itoa(weights[r])
		says = append(says, r+" "+fields[r])
	}
	a.Note(events.Weights, strings.Join(says, ", "), fields)
}

func (c Cluster) about(node string) map[string]string {
	return map[string]string{"peer": node, "region": c.Regions[node]}
}

func (c Cluster) byWeight() []string {
	return slices.SortedFunc(maps.Keys(c.Weights), func(x, y string) int {
		return cmp.Or(cmp.Compare(c.Weights[y], c.Weights[x]), cmp.Compare(x, y))
	})
}

// returnHome hands leadership to the main region when all has been well for
// long enough. Not before: the main region's node may just have handed it over
// because it is stopping.
func (a *Arbiter) returnHome(ctx context.Context, c Cluster, s state.HealthView, wellFor time.Duration, calm *time.Time) {
	home := c.MainRegion()
	if c.Regions[a.Self] == home || s.QuartersOf(home) < state.FullWeight {
		return
	}
	if wellFor < a.Settle {
		return
	}
	for _, n := range c.Voters {
		if c.Regions[n] == home && !slices.Contains(s.Lost, n) && c.answers(s, n) {
			*calm = time.Now() // not again at once, should it fail
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
