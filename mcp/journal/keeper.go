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
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/arbiter"
	"github.com/mcp-resilience/holdfast/mcp/events"
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
			k.heed(ctx, j, k.cfg.State.Office(class))
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
			if k.cfg.State.Office(c).Primary == k.cfg.Self {
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
func (k *Keeper) heed(ctx context.Context, j *Journal, now state.Office) {
	j.mu.Lock()
	o, been := j.office, j.agreed.Epoch >= now.Epoch
	if o != nil && now.Epoch > o.epoch {
		j.leave(o)
	}
	j.mu.Unlock()
	if now.Primary != k.cfg.Self || now.Life != k.life || been {
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

func (k *Keeper) journal(c api.Class) (*Journal, error) {
	if j := k.journals[c]; j != nil {
		return j, nil
	}
	return nil, api.Refuse(codes.InvalidArgument, k.cfg.Self, "", fmt.Sprintf("class %s is not kept in a journal", c))
}

// Append adds an entry, if this node is the primary and knows a leader. One
// that does not may have been replaced without having heard of it.
func (k *Keeper) Append(ctx context.Context, r *api.AppendRequest) (*api.Appended, error) {
	j, err := k.journal(r.Class)
	if err != nil {
		return nil, err
	}
	if !k.cfg.Follows() {
		return nil, api.Refuse(codes.Unavailable, k.cfg.Self, "", "no leader known: cut off from the majority, or an election is under way")
	}
	return j.add(ctx, r.Entry)
}

// Confirm is up to where a copy must be for a read, if this node is the primary.
func (k *Keeper) Confirm(ctx context.Context, r *api.ClassRequest) (*api.Position, error) {
	j, err := k.journal(r.Class)
	if err != nil {
		return nil, err
	}
	p, err := j.confirm(ctx)
	if err != nil {
		return nil, err
	}
	return &api.Position{Epoch: p.Epoch, Index: p.Index}, nil
}

// Members lists a set as it was at a place that Confirm gave, once this node's
// copy has got there; without a place, as the copy is now.
func (k *Keeper) Members(ctx context.Context, c api.Class, set string, at *api.Position) ([]string, error) {
	j, err := k.journal(c)
	if err != nil {
		return nil, err
	}
	if at == nil {
		return j.members(set, j.file.Last().Index), nil
	}
	var is Position
	err = j.await(ctx, nil, func() bool {
		is = j.agreed
		return is.Epoch >= at.Epoch && is.Index >= at.Index
	})
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "%s lags behind: its copy of %s agrees up to record %d of epoch %d, not yet %d of %d",
			k.cfg.Self, name(c), is.Index, is.Epoch, at.Index, at.Epoch)
	}
	return j.members(set, at.Index), nil
}

// Ship takes in what a primary sends, until this node leaves.
func (k *Keeper) Ship(stream api.Journals_ShipServer) error {
	ended := make(chan error, 1)
	go func() { ended <- k.takeIn(stream) }() // ends with the stream, which ends with Ship
	select {
	case err := <-ended:
		return err
	case <-k.left:
		return status.Error(codes.Unavailable, k.cfg.Self+" is stopping")
	}
}

func (k *Keeper) takeIn(stream api.Journals_ShipServer) error {
	b, err := stream.Recv()
	if err != nil {
		return err
	}
	j, err := k.journal(b.Class)
	if err != nil {
		return err
	}
	at, err := j.follow(b.Epoch, fromChapters(b.Chapters), b.Last)
	for {
		if err != nil {
			return refused(err)
		}
		if err := stream.Send(&api.Receipt{Index: at, Mark: b.Mark}); err != nil {
			return err
		}
		if b, err = stream.Recv(); err != nil {
			return err
		}
		rs := make([]Record, len(b.Records))
		for i, r := range b.Records {
			rs[i] = Record{r.Epoch, r.Index, r.Payload}
		}
		at, err = j.receive(b.Epoch, rs)
	}
}

// refused tells a primary that is too old from all that may go better next time.
func refused(err error) error {
	if errors.Is(err, errOld) {
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	return status.Error(codes.Aborted, err.Error())
}

// Fence promises to refuse older epochs; that the answer has promised more
// means that the epoch asked for is itself too old.
func (k *Keeper) Fence(_ context.Context, r *api.FenceRequest) (*api.Copy, error) {
	j, err := k.journal(r.Class)
	if err != nil {
		return nil, err
	}
	if err := j.fence(r.Epoch); err != nil && !errors.Is(err, errOld) {
		return nil, refused(err)
	}
	return k.copyOf(j), nil
}

// Look tells how far this node's copy is.
func (k *Keeper) Look(_ context.Context, r *api.ClassRequest) (*api.Copy, error) {
	j, err := k.journal(r.Class)
	if err != nil {
		return nil, err
	}
	return k.copyOf(j), nil
}

// Rest prepares a primary for passing its office on.
func (k *Keeper) Rest(ctx context.Context, r *api.RestRequest) (*api.Copy, error) {
	j, err := k.journal(r.Class)
	if err != nil {
		return nil, err
	}
	if err := j.rest(ctx, r.Successor); err != nil {
		return nil, err
	}
	return k.copyOf(j), nil
}

func (k *Keeper) copyOf(j *Journal) *api.Copy {
	j.mu.Lock()
	defer j.mu.Unlock()
	last := j.file.Last()
	c := &api.Copy{Last: &api.Position{Epoch: last.Epoch, Index: last.Index}, Promised: j.promise.data.Epoch, Life: k.life}
	c.Leaving = k.leaving.Load() || j.file.Broken() != nil
	if j.office != nil {
		c.Office = j.office.epoch
	}
	return c
}
