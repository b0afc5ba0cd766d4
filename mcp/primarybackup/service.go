package primarybackup

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// journal returns this node's copy of a class's journal.
func (n *Replica) journal(c api.Class) (*Journal, error) {
	if j := n.journals[c]; j != nil {
		return j, nil
	}
	return nil, api.Refuse(codes.InvalidArgument, n.cfg.Self, "", fmt.Sprintf("class %s has no journal", c))
}

// Append appends an entry if this node is the primary and knows a leader. A primary
// that knows no leader may have been replaced without having learnt of it.
func (n *Replica) Append(ctx context.Context, r *api.AppendRequest) (*api.Appended, error) {
	j, err := n.journal(r.Class)
	if err != nil {
		return nil, err
	}
	if err := n.requireLeader(); err != nil {
		return nil, err
	}
	end := startSpan(ctx, r.Class)
	a, err := j.append(ctx, r.Entry)
	end(a, err)
	return a, err
}

// requireLeader returns a refusal while this node knows no leader.
func (n *Replica) requireLeader() error {
	if n.cfg.KnowsLeader() {
		return nil
	}
	return api.Refuse(codes.Unavailable, n.cfg.Self, "", "no leader is known: the node is cut off from the majority, or an election is under way")
}

// Confirm returns the position that a copy must contain for a read, if this node is the
// primary. For semisync it must also know a leader: a lost node was perhaps not fenced
// when this primary was replaced, and would still send its marks back.
func (n *Replica) Confirm(ctx context.Context, r *api.ClassRequest) (*api.Position, error) {
	j, err := n.journal(r.Class)
	if err != nil {
		return nil, err
	}
	if r.Class == api.Class_SEMISYNC {
		if err := n.requireLeader(); err != nil {
			return nil, err
		}
	}
	p, err := j.confirm(ctx)
	if err != nil {
		return nil, err
	}
	return &api.Position{Epoch: p.Epoch, Index: p.Index}, nil
}

// Members lists a set as of a position that Confirm returned, once this node's copy
// contains it. Without a position it lists the set as the copy has it now.
func (n *Replica) Members(ctx context.Context, c api.Class, set string, at *api.Position) ([]string, error) {
	j, err := n.journal(c)
	if err != nil {
		return nil, err
	}
	if at == nil {
		return j.members(set, j.file.Last().Index), nil
	}
	var matched Position
	err = j.await(ctx, nil, func() bool {
		matched = j.matched
		return matched.Epoch >= at.Epoch && matched.Index >= at.Index
	})
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "%s lags behind: its copy of %s has record %d of epoch %d, and the read needs record %d of epoch %d",
			n.cfg.Self, name(c), matched.Index, matched.Epoch, at.Index, at.Epoch)
	}
	return j.members(set, at.Index), nil
}

// Replicate receives what a primary sends, until this node stops.
func (n *Replica) Replicate(stream api.Journals_ReplicateServer) error {
	received := make(chan error, 1)
	go func() { received <- n.receiveBatches(stream) }() // ends with the stream, which ends with Replicate
	select {
	case err := <-received:
		return err
	case <-n.closing:
		return status.Error(codes.Unavailable, n.cfg.Self+" is stopping")
	}
}

// receiveBatches first removes what the primary does not have, then appends what it
// sends, with a receipt for each batch.
func (n *Replica) receiveBatches(stream api.Journals_ReplicateServer) error {
	b, err := stream.Recv()
	if err != nil {
		return err
	}
	j, err := n.journal(b.Class)
	if err != nil {
		return err
	}
	at, err := j.reconcile(b.Epoch, epochStartsFromAPI(b.EpochStarts), b.Last)
	for {
		if err != nil {
			return toStatus(err)
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

// toStatus returns FailedPrecondition to a primary of an old epoch, which must stop,
// and Aborted to one that may connect again.
func toStatus(err error) error {
	if errors.Is(err, errStaleEpoch) {
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	return status.Error(codes.Aborted, err.Error())
}

// Fence promises to refuse epochs older than the requested one. If the reply has a
// higher promised epoch, the requested epoch is itself too old.
func (n *Replica) Fence(_ context.Context, r *api.FenceRequest) (*api.CopyStatus, error) {
	j, err := n.journal(r.Class)
	if err != nil {
		return nil, err
	}
	if err := j.fence(r.Epoch); err != nil && !errors.Is(err, errStaleEpoch) {
		return nil, toStatus(err)
	}
	return n.describe(j), nil
}

// Status returns how far this node's copy is.
func (n *Replica) Status(_ context.Context, r *api.ClassRequest) (*api.CopyStatus, error) {
	j, err := n.journal(r.Class)
	if err != nil {
		return nil, err
	}
	return n.describe(j), nil
}

// Quiesce prepares a primary for handing over: see Journal.quiesce.
func (n *Replica) Quiesce(ctx context.Context, r *api.QuiesceRequest) (*api.CopyStatus, error) {
	j, err := n.journal(r.Class)
	if err != nil {
		return nil, err
	}
	if err := j.quiesce(ctx, r.Successor); err != nil {
		return nil, err
	}
	return n.describe(j), nil
}

// describe returns how far this node's copy is, and its role.
func (n *Replica) describe(j *Journal) *api.CopyStatus {
	j.mu.Lock()
	defer j.mu.Unlock()
	last := j.file.Last()
	c := &api.CopyStatus{Last: &api.Position{Epoch: last.Epoch, Index: last.Index}, Promised: j.epochFile.promised.Epoch, Incarnation: n.incarnation}
	c.Leaving = n.leaving.Load() || j.file.Failure() != nil
	if j.term != nil {
		c.PrimaryEpoch = j.term.epoch
	}
	return c
}
