package primarybackup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/arbiter"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// Config is what a replica needs. All fields but Defects are required.
type Config struct {
	Self          string
	Cluster       func() arbiter.Cluster // returns the present members; the control nodes hold the journals
	Dir           string
	State         *state.State // the committed one
	Leads         func() (term uint64, ok bool)
	KnowsLeader   func() bool // reports whether this node knows a leader
	Propose       func(ctx context.Context, c *api.Command) (*api.Applied, error)
	Conn          func(node string) (*grpc.ClientConn, error)
	Emit          func(k events.Kind, text string, fields map[string]string)
	FailbackDelay time.Duration // how long the cluster must be stable before the primary moves back to the main region
	Defects       Defects
}

// Replica is a control node's part in the replication: its copies of the journals,
// of which it may be the primary. It serves api.Journals.
type Replica struct {
	api.UnimplementedJournalsServer
	cfg         Config
	incarnation string
	journals    map[api.Class]*Journal
	leaving     atomic.Bool
	closing     chan struct{} // closed when this node receives no more batches
	work        sync.WaitGroup
}

// Open opens the node's copies of all journals. It returns a *DamagedError if one is damaged.
func Open(cfg Config) (*Replica, error) {
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open journals: %w", err)
	}
	n := &Replica{cfg: cfg, incarnation: rand.Text(), journals: map[api.Class]*Journal{}, closing: make(chan struct{})}
	for _, c := range Classes() {
		j, err := open(cfg.Dir, c, cfg.Self, cfg.Emit, cfg.Defects)
		if err != nil {
			return nil, errors.Join(err, n.Close())
		}
		n.journals[c] = j
	}
	return n, nil
}

// Close closes the files; Run must have returned.
func (n *Replica) Close() error {
	var errs []error
	for _, j := range n.journals {
		errs = append(errs, j.file.Close())
	}
	return errors.Join(errs...)
}

// memberPollInterval is the longest time after which a primary ships to a new member.
const memberPollInterval = time.Second

// Run syncs, ships, and applies promotions until ctx ends.
func (n *Replica) Run(ctx context.Context) {
	for _, j := range n.journals {
		n.work.Go(func() { j.syncLoop(ctx) })
	}
	for c := range n.journals {
		n.work.Go(func() { (&failover{Replica: n, class: c}).run(ctx) })
	}
	for ctx.Err() == nil {
		_, changed := n.cfg.State.Applied()
		for class, j := range n.journals {
			n.applyPromotion(ctx, j, n.cfg.State.Primary(class))
			n.startReplication(j)
		}
		select {
		case <-changed:
		case <-time.After(memberPollInterval):
		case <-ctx.Done():
		}
	}
	n.work.Wait()
}

// HandOver waits until this node is no longer a primary, before it stops, so that no
// append is left with an unknown outcome. It fails when ctx ends first. Call it once.
func (n *Replica) HandOver(ctx context.Context) error {
	n.leaving.Store(true)
	defer close(n.closing)
	for {
		_, changed := n.cfg.State.Applied()
		primaryOf := ""
		for c := range n.journals {
			if n.cfg.State.Primary(c).Primary == n.cfg.Self {
				primaryOf = name(c)
			}
		}
		if primaryOf == "" {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("hand over as the primary of %s: %w", primaryOf, ctx.Err())
		}
	}
}

// applyPromotion begins or ends this node's term as the consensus log has it.
func (n *Replica) applyPromotion(ctx context.Context, j *Journal, now state.PrimaryTerm) {
	j.mu.Lock()
	term, seen := j.term, j.matched.Epoch >= now.Epoch
	if term != nil && now.Epoch > term.epoch {
		j.endTerm(term)
	}
	j.mu.Unlock()
	if now.Primary != n.cfg.Self || now.Incarnation != n.incarnation || seen {
		return
	}
	// If the node has been fenced meanwhile, the leader notices and promotes again.
	_, _ = j.beginTerm(ctx, now.Epoch)
}

// startReplication begins to ship to each control node that is not yet shipped to.
func (n *Replica) startReplication(j *Journal) {
	j.mu.Lock()
	defer j.mu.Unlock()
	term := j.term
	if term == nil {
		return
	}
	c := n.cfg.Cluster()
	for _, peer := range c.Control {
		if peer == n.cfg.Self || term.replicating[peer] {
			continue
		}
		conn, err := n.cfg.Conn(peer)
		if err != nil {
			continue
		}
		term.replicating[peer] = true
		otherRegion := c.Regions[peer] != c.Regions[n.cfg.Self]
		n.work.Go(func() {
			j.replicateTo(term, peer, otherRegion, api.NewJournalsClient(conn), func() bool { return slices.Contains(n.cfg.Cluster().Control, peer) })
			j.mu.Lock()
			defer j.mu.Unlock()
			delete(term.replicating, peer)
		})
	}
}
