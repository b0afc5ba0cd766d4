package primarybackup

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
	// pollInterval is how often the leader checks whether a primary must be promoted.
	pollInterval = 50 * time.Millisecond
	// queryInterval is how often a primary is asked for its status; it may have restarted.
	queryInterval = 200 * time.Millisecond
	// queryTimeout limits one request to a node. A round trip between regions takes 30 ms.
	queryTimeout = 600 * time.Millisecond
	// promotionGrace is how long a node may take to learn that it was promoted.
	promotionGrace = time.Second
	// handOverRetryDelay is the pause after a primary could not hand over.
	handOverRetryDelay = 3 * time.Second
)

// run checks the primary while this node leads, until ctx ends.
func (f *failover) run(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if _, leads := f.cfg.Leads(); leads {
			f.check(ctx)
		} else {
			f.notPrimarySince, f.stableSince = time.Time{}, time.Time{}
		}
	}
}

// failover is the leader's part for one class: it sees to it that the class has a primary.
type failover struct {
	*Replica
	class           api.Class
	minEpoch        uint64    // some node has promised this epoch, though the consensus log has no promotion of it
	queriedAt       time.Time // when the primary was last asked for its status
	notPrimarySince time.Time // since when the promoted node replies that it is not the primary
	stableSince     time.Time // since when no node is lost and the primary replies that it is one
}

// check promotes a primary if there is none, and moves it back to the main region
// when the cluster has been stable for long enough.
func (f *failover) check(ctx context.Context) {
	now, lost := f.cfg.State.Primary(f.class), f.cfg.State.HealthView().Lost
	member := slices.Contains(f.cfg.Cluster().Control, now.Primary)
	if !member || slices.Contains(lost, now.Primary) {
		f.promote(ctx, now, lost)
		return
	}
	if time.Since(f.queriedAt) < queryInterval {
		return
	}
	f.queriedAt = time.Now()
	c, err := f.query(ctx, now.Primary, func(ctx context.Context, v peer) (*api.CopyStatus, error) {
		return v.Status(ctx, &api.ClassRequest{Class: f.class})
	})
	switch {
	case err != nil: // arbitration decides whether the node is lost
		f.notPrimarySince, f.stableSince = time.Time{}, time.Time{}
	case c.Incarnation != now.Incarnation:
		f.promote(ctx, now, lost) // it has restarted
	case c.Leaving:
		f.handOver(ctx, now, lost, "")
	case c.PrimaryEpoch != now.Epoch:
		if f.stableSince = (time.Time{}); f.notPrimarySince.IsZero() {
			f.notPrimarySince = time.Now()
		}
		if time.Since(f.notPrimarySince) > promotionGrace {
			f.notPrimarySince = time.Time{}
			f.promote(ctx, now, lost)
		}
	default:
		f.notPrimarySince = time.Time{}
		f.failBack(ctx, now, lost)
	}
}

// failBack promotes this node, the leader, if it is in the main region, where most
// users are, the primary is elsewhere, and the cluster has been stable for
// FailbackDelay. No append is lost by it: see Journal.quiesce.
func (f *failover) failBack(ctx context.Context, now state.PrimaryTerm, lost []string) {
	if c := f.cfg.Cluster(); c.Regions[f.cfg.Self] != c.MainRegion() || len(lost) > 0 || c.Regions[now.Primary] == c.MainRegion() {
		f.stableSince = time.Time{}
		return
	}
	if f.stableSince.IsZero() {
		f.stableSince = time.Now()
	}
	if time.Since(f.stableSince) >= f.cfg.FailbackDelay {
		f.handOver(ctx, now, lost, f.cfg.Self)
	}
}

// handOver asks the primary to quiesce and then promotes another node.
func (f *failover) handOver(ctx context.Context, now state.PrimaryTerm, lost []string, successor string) {
	_, err := f.query(ctx, now.Primary, func(ctx context.Context, v peer) (*api.CopyStatus, error) {
		return v.Quiesce(ctx, &api.QuiesceRequest{Class: f.class, Successor: successor})
	})
	if err != nil {
		if successor != "" {
			f.stableSince = time.Now().Add(handOverRetryDelay)
		}
		return
	}
	f.promote(ctx, now, lost)
}

// promote takes a new epoch. It fences every control node, needs a reply from each
// that is not lost, and promotes the one whose copy is furthest. If a node that is not
// lost does not reply, nobody is promoted, because it may be the only one that holds
// the last acknowledged records; the next check tries again. A lost node is asked too:
// if it can be reached, it gives the old primary no more receipts. Otherwise the new
// primary fences it when it returns.
func (f *failover) promote(ctx context.Context, now state.PrimaryTerm, lost []string) {
	f.stableSince, f.notPrimarySince = time.Time{}, time.Time{}
	epoch := max(now.Epoch, f.minEpoch) + 1
	type reply struct {
		node string
		copy *api.CopyStatus
		err  error
	}
	cluster := f.cfg.Cluster()
	replies := make(chan reply, len(cluster.Control))
	wanted := 0
	for _, n := range cluster.Control {
		needed := !slices.Contains(lost, n)
		if needed {
			wanted++
		}
		f.work.Go(func() {
			c, err := f.query(ctx, n, func(ctx context.Context, v peer) (*api.CopyStatus, error) {
				return v.Fence(ctx, &api.FenceRequest{Class: f.class, Epoch: epoch})
			})
			if needed {
				replies <- reply{n, c, err}
			}
		})
	}
	var best reply
	for range wanted {
		r := <-replies
		if r.err != nil {
			return
		}
		if r.copy.Promised > epoch { // the consensus log is older than the journals, as after a restore
			f.minEpoch = r.copy.Promised
			return
		}
		if !r.copy.Leaving && (best.copy == nil || preferred(cluster, r.node, r.copy, best.node, best.copy)) {
			best = r
		}
	}
	if best.copy == nil {
		return
	}
	_, _ = f.cfg.Propose(ctx, &api.Command{Do: &api.Command_Promotion{Promotion: &api.Promotion{
		Class: f.class, Epoch: epoch, Primary: best.node, Incarnation: best.copy.Incarnation, Position: best.copy.Last,
	}}}) // if it fails, the next check promotes again
}

// preferred reports whether a node is a better primary than another: the one whose copy
// is further, then the one in the main region, then the first by name.
func preferred(cluster arbiter.Cluster, node string, c *api.CopyStatus, than string, d *api.CopyStatus) bool {
	away := func(n string) int {
		if cluster.Regions[n] == cluster.MainRegion() {
			return 0
		}
		return 1
	}
	return cmp.Or(-positionOf(c).Compare(positionOf(d)), cmp.Compare(away(node), away(than)), cmp.Compare(node, than)) < 0
}

func positionOf(c *api.CopyStatus) Position { return Position{c.Last.GetEpoch(), c.Last.GetIndex()} }

// peer is what the leader calls on a node, which may be itself.
type peer interface {
	Fence(context.Context, *api.FenceRequest) (*api.CopyStatus, error)
	Status(context.Context, *api.ClassRequest) (*api.CopyStatus, error)
	Quiesce(context.Context, *api.QuiesceRequest) (*api.CopyStatus, error)
}

// query calls a node, with a timeout.
func (n *Replica) query(ctx context.Context, node string, call func(context.Context, peer) (*api.CopyStatus, error)) (*api.CopyStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	if node == n.cfg.Self {
		return call(ctx, n)
	}
	conn, err := n.cfg.Conn(node)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", node, err)
	}
	return call(ctx, remotePeer{api.NewJournalsClient(conn)})
}

// remotePeer is a node other than this one.
type remotePeer struct{ client api.JournalsClient }

func (r remotePeer) Fence(ctx context.Context, q *api.FenceRequest) (*api.CopyStatus, error) {
	return r.client.Fence(ctx, q)
}

func (r remotePeer) Status(ctx context.Context, q *api.ClassRequest) (*api.CopyStatus, error) {
	return r.client.Status(ctx, q)
}

func (r remotePeer) Quiesce(ctx context.Context, q *api.QuiesceRequest) (*api.CopyStatus, error) {
	return r.client.Quiesce(ctx, q)
}
