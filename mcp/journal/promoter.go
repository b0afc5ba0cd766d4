package journal

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/arbiter"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

const (
	// look is how often the leader looks after the primaries.
	look = 50 * time.Millisecond
	// askAgain is how often a primary is asked whether it is still one, for it may have restarted.
	askAgain = 200 * time.Millisecond
	// askLimit bounds one question to a node; links between regions take 30 ms.
	askLimit = 600 * time.Millisecond
	// grace is how long a primary may take to hear that it is one.
	grace = time.Second
	// afterRest is the pause after an office could not be handed over.
	afterRest = 3 * time.Second
)

// promote looks after the primary while this node leads, until ctx ends.
func (o *overseer) promote(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if _, leads := o.cfg.Leads(); leads {
			o.look(ctx)
		} else {
			o.wrong, o.calm = time.Time{}, time.Time{}
		}
	}
}

// overseer is the leader's view of one class.
type overseer struct {
	*Keeper
	class api.Class
	floor uint64    // an epoch that some node has promised, though no promotion of it is known
	asked time.Time // when the primary was last asked
	wrong time.Time // since when the primary, though it answers, is not in office
	calm  time.Time // since when all is well
}

// look promotes a primary where there is none, and brings one home in calm times.
func (o *overseer) look(ctx context.Context) {
	now, lost := o.cfg.State.Primary(o.class), o.cfg.State.HealthView().Lost
	member := slices.Contains(o.cfg.Cluster().Control, now.Primary)
	if !member || slices.Contains(lost, now.Primary) {
		o.elect(ctx, now, lost)
		return
	}
	if time.Since(o.asked) < askAgain {
		return
	}
	o.asked = time.Now()
	c, err := o.ask(ctx, now.Primary, func(ctx context.Context, v voter) (*api.Copy, error) {
		return v.Look(ctx, &api.ClassRequest{Class: o.class})
	})
	switch {
	case err != nil: // whether it is lost is for arbitration to say
		o.wrong, o.calm = time.Time{}, time.Time{}
	case c.Life != now.Incarnation:
		o.elect(ctx, now, lost) // it has restarted
	case c.Leaving:
		o.handOver(ctx, now, lost, "")
	case c.Office != now.Epoch:
		if o.calm = (time.Time{}); o.wrong.IsZero() {
			o.wrong = time.Now()
		}
		if time.Since(o.wrong) > grace {
			o.wrong = time.Time{}
			o.elect(ctx, now, lost)
		}
	default:
		o.wrong = time.Time{}
		o.goHome(ctx, now, lost)
	}
}

// goHome returns the office to the main region, where most users are, once all
// has been well for as long as leadership waits, and follows leadership there.
// Nothing may be lost or refused for it: see Rest.
func (o *overseer) goHome(ctx context.Context, now state.PrimaryTerm, lost []string) {
	if c := o.cfg.Cluster(); c.Regions[o.cfg.Self] != c.MainRegion() || len(lost) > 0 || c.Regions[now.Primary] == c.MainRegion() {
		o.calm = time.Time{}
		return
	}
	if o.calm.IsZero() {
		o.calm = time.Now()
	}
	if time.Since(o.calm) >= o.cfg.Settle {
		o.handOver(ctx, now, lost, o.cfg.Self)
	}
}

// handOver lets the primary rest and promotes another.
func (o *overseer) handOver(ctx context.Context, now state.PrimaryTerm, lost []string, successor string) {
	_, err := o.ask(ctx, now.Primary, func(ctx context.Context, v voter) (*api.Copy, error) {
		return v.Rest(ctx, &api.RestRequest{Class: o.class, Successor: successor})
	})
	if err != nil {
		if successor != "" {
			o.calm = time.Now().Add(afterRest)
		}
		return
	}
	o.elect(ctx, now, lost)
}

// elect takes a new epoch: it fences every control node, needs an answer of each that
// is not lost, and promotes the one whose copy is furthest. One that is lost may
// hear it all the same, and then gives the old primary no receipts; if not it is fenced by
// whoever is promoted, when it returns. When one that is not
// lost does not answer nobody is promoted, for it may be the only one that has
// what was acknowledged last; the next look tries again.
func (o *overseer) elect(ctx context.Context, now state.PrimaryTerm, lost []string) {
	o.calm, o.wrong = time.Time{}, time.Time{}
	epoch := max(now.Epoch, o.floor) + 1
	type answer struct {
		node string
		copy *api.Copy
		err  error
	}
	cluster := o.cfg.Cluster()
	answers := make(chan answer, len(cluster.Control))
	wanted := 0
	for _, n := range cluster.Control {
		needed := !slices.Contains(lost, n)
		if needed {
			wanted++
		}
		o.work.Go(func() {
			c, err := o.ask(ctx, n, func(ctx context.Context, v voter) (*api.Copy, error) {
				return v.Fence(ctx, &api.FenceRequest{Class: o.class, Epoch: epoch})
			})
			if needed {
				answers <- answer{n, c, err}
			}
		})
	}
	var best answer
	for range wanted {
		a := <-answers
		if a.err != nil {
			return
		}
		if a.copy.Promised > epoch { // this leader's log is younger than the journals, as after a restore
			o.floor = a.copy.Promised
			return
		}
		if !a.copy.Leaving && (best.copy == nil || before(cluster, a.node, a.copy, best.node, best.copy)) {
			best = a
		}
	}
	if best.copy == nil {
		return
	}
	_, _ = o.cfg.Propose(ctx, &api.Command{Do: &api.Command_Promotion{Promotion: &api.Promotion{
		Class: o.class, Epoch: epoch, Primary: best.node, Life: best.copy.Life, Position: best.copy.Last,
	}}}) // a failure is seen at the next look
}

// before says whether a node is to be preferred to another: the furthest, of
// equals one of the main region, then the first by name.
func before(cluster arbiter.Cluster, node string, c *api.Copy, than string, d *api.Copy) bool {
	away := func(n string) int {
		if cluster.Regions[n] == cluster.MainRegion() {
			return 0
		}
		return 1
	}
	return cmp.Or(-positionOf(c).Compare(positionOf(d)), cmp.Compare(away(node), away(than)), cmp.Compare(node, than)) < 0
}

func positionOf(c *api.Copy) Position { return Position{c.Last.GetEpoch(), c.Last.GetIndex()} }

// voter is what the leader asks of a node, itself included.
type voter interface {
	Fence(context.Context, *api.FenceRequest) (*api.Copy, error)
	Look(context.Context, *api.ClassRequest) (*api.Copy, error)
	Rest(context.Context, *api.RestRequest) (*api.Copy, error)
}

func (k *Keeper) ask(ctx context.Context, node string, question func(context.Context, voter) (*api.Copy, error)) (*api.Copy, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if node == k.cfg.Self {
		return question(ctx, k)
	}
	conn, err := k.cfg.To(node)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", node, err)
	}
	return question(ctx, remote{api.NewJournalsClient(conn)})
}

// remote is another node.
type remote struct{ client api.JournalsClient }

func (r remote) Fence(ctx context.Context, q *api.FenceRequest) (*api.Copy, error) {
	return r.client.Fence(ctx, q)
}

func (r remote) Look(ctx context.Context, q *api.ClassRequest) (*api.Copy, error) {
	return r.client.Look(ctx, q)
}

func (r remote) Rest(ctx context.Context, q *api.RestRequest) (*api.Copy, error) {
	return r.client.Rest(ctx, q)
}
