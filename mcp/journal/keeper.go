package journal

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

// Config is what a keeper needs; all but LoseTail.
type Config struct {
	Self    string
	Cluster func() arbiter.Cluster // as it is now; its control nodes keep journals
	Dir     string
	State   *state.State // as committed
	Leads   func() (term uint64, ok bool)
	Follows func() bool // whether this node knows a leader
	Propose func(ctx context.Context, c *api.Command) (*api.Applied, error)
	To      func(node string) (*grpc.ClientConn, error)
	Note    func(k events.Kind, says string, fields map[string]string)
	Settle  time.Duration // all is well for this long before a primary goes home
	// LoseTail is the defect by which a node forgets its last records at a restart.
	LoseTail bool
}

// Keeper is a control node's part in the journals. It serves api.Journals.
type Keeper struct {
	api.UnimplementedJournalsServer
	cfg      Config
	life     string
	journals map[api.Class]*Journal
	leaving  atomic.Bool
	left     chan struct{} // closed when nothing more is to be taken in
	work     sync.WaitGroup
}

// Open opens the node's copies of all journals. Damage in one is an error.
func Open(cfg Config) (*Keeper, error) {
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open journals: %w", err)
	}
	k := &Keeper{cfg: cfg, life: rand.Text(), journals: map[api.Class]*Journal{}, left: make(chan struct{})}
	for _, c := range Classes() {
		j, err := open(cfg.Dir, c, cfg.Self, cfg.Note, cfg.LoseTail)
		if err != nil {
			return nil, errors.Join(err, k.Close())
		}
		k.journals[c] = j
	}
	return k, nil
}

// Close closes the files; Run must have returned.
func (k *Keeper) Close() error {
	var errs []error
	for _, j := range k.journals {
		errs = append(errs, j.file.Close())
	}
	return errors.Join(errs...)
}

// rollCall is how often at least the primary looks for new nodes to ship to.
const rollCall = time.Second

// Run syncs, ships, and heeds promotions until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	for _, j := range k.journals {
		k.work.Go(func() { j.keepSyncing(ctx) })
	}
	for c := range k.journals {
		k.work.Go(func() { (&overseer{Keeper: k, class: c}).promote(ctx) })
	}
	for ctx.Err() == nil {
		_, changed := k.cfg.State.Applied()
		for class, j := range k.journals {
			k.heed(ctx, j, k.cfg.State.Primary(class))
			k.supply(j)
		}
		select {
		case <-changed:
		case <-time.After(rollCall):
		case <-ctx.Done():
		}
	}
	k.work.Wait()
}

// Leave gets this node out of office before it stops, so that nobody's outcome
// becomes unknown by it. It gives up when ctx ends, and is called once.
func (k *Keeper) Leave(ctx context.Context) error {
	k.leaving.Store(true)
	defer close(k.left)
	for {
		_, changed := k.cfg.State.Applied()
		in := ""
		for c := range k.journals {
			if k.cfg.State.Primary(c).Primary == k.cfg.Self {
				in = name(c)
			}
		}
		if in == "" {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("leave the office of %s: %w", in, ctx.Err())
		}
	}
}

// heed takes or leaves office as the cluster agreed.
func (k *Keeper) heed(ctx context.Context, j *Journal, now state.PrimaryTerm) {
	j.mu.Lock()
	o, been := j.office, j.agreed.Epoch >= now.Epoch
	if o != nil && now.Epoch > o.epoch {
		j.leave(o)
	}
	j.mu.Unlock()
	if now.Primary != k.cfg.Self || now.Incarnation != k.life || been {
		return
	}
	// When it is fenced meanwhile the leader will see it and promote anew.
	_, _ = j.enter(ctx, now.Epoch)
}

// supply ships to every other control node that is not yet shipped to.
func (k *Keeper) supply(j *Journal) {
	j.mu.Lock()
	defer j.mu.Unlock()
	o := j.office
	if o == nil {
		return
	}
	c := k.cfg.Cluster()
	for _, peer := range c.Control {
		if peer == k.cfg.Self || o.supplied[peer] {
			continue
		}
		conn, err := k.cfg.To(peer)
		if err != nil {
			continue
		}
		o.supplied[peer] = true
		far := c.Regions[peer] != c.Regions[k.cfg.Self]
		k.work.Go(func() {
			j.shipTo(o, peer, far, api.NewJournalsClient(conn), func() bool { return slices.Contains(k.cfg.Cluster().Control, peer) })
			j.mu.Lock()
			defer j.mu.Unlock()
			delete(o.supplied, peer)
		})
	}
}
