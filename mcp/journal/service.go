package journal

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

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
	if err := k.follows(); err != nil {
		return nil, err
	}
	end := traced(ctx, r.Class)
	a, err := j.add(ctx, r.Entry)
	end(a, err)
	return a, err
}

// follows refuses while this node knows no leader.
func (k *Keeper) follows() error {
	if k.cfg.Follows() {
		return nil
	}
	return api.Refuse(codes.Unavailable, k.cfg.Self, "", "no leader known: cut off from the majority, or an election is under way")
}

// Confirm is up to where a copy must be for a read, if this node is the primary
// and, for semisync, knows a leader: a node that is lost, and so was not fenced
// when this one was replaced, would still send its marks back.
func (k *Keeper) Confirm(ctx context.Context, r *api.ClassRequest) (*api.Position, error) {
	j, err := k.journal(r.Class)
	if err != nil {
		return nil, err
	}
	if r.Class == api.Class_SEMISYNC {
		if err := k.follows(); err != nil {
			return nil, err
		}
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
