package gateway

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// catchUp is how long a read waits for a node that lags behind.
const catchUp = 1500 * time.Millisecond

// Store is the node's own state.
type Store interface {
	State() *state.State
	WaitApplied(ctx context.Context, index uint64) error
	Term() uint64
}

// Ledger serves api.Ledger.
type Ledger struct {
	api.UnimplementedLedgerServer
	Gateway *Gateway
	Store   Store
	// AskNobody is a defect: reads are answered from this node's own state, as if it were fresh.
	AskNobody bool
	// Closed says why users' mutations are refused here; empty means that they are not.
	Closed string
	// Journals are this node's copies of the classes other than strong; nil where it keeps none.
	Journals Journals
	// Keepers lists the nodes that keep journals, those to be asked first first.
	Keepers func() []string
}

// Write sets a register.
func (l *Ledger) Write(ctx context.Context, r *api.WriteRequest) (*api.MutationReply, error) {
	return l.mutate(ctx, r.Id, r.Key, &api.Command{Do: &api.Command_Write{Write: r}})
}

// CompareAndSet sets a register that holds what is expected.
func (l *Ledger) CompareAndSet(ctx context.Context, r *api.CompareAndSetRequest) (*api.MutationReply, error) {
	return l.mutate(ctx, r.Id, r.Key, &api.Command{Do: &api.Command_CompareAndSet{CompareAndSet: r}})
}

// Add puts a member into a set.
func (l *Ledger) Add(ctx context.Context, r *api.AddRequest) (*api.MutationReply, error) {
	if r.Class != api.Class_STRONG {
		return l.append(ctx, r)
	}
	return l.mutate(ctx, r.Id, r.Set, &api.Command{Do: &api.Command_Add{Add: r}})
}

// admit says what is wrong with a mutation.
func (l *Ledger) admit(id, thing string) error {
	switch {
	case id == "":
		return api.Refuse(codes.InvalidArgument, l.Gateway.Name, "", "a mutation needs an id, by which a retry is recognised")
	case thing == "":
		return api.Refuse(codes.InvalidArgument, l.Gateway.Name, "", "a mutation needs the name of a register, set or bank")
	case l.Closed != "":
		return api.Refuse(codes.FailedPrecondition, l.Gateway.Name, "", l.Closed)
	}
	return nil
}

func (l *Ledger) mutate(ctx context.Context, id, thing string, c *api.Command) (*api.MutationReply, error) {
	a, origin, err := l.submit(ctx, id, thing, c)
	if err != nil {
		return nil, err
	}
	return &api.MutationReply{Origin: origin, Swapped: a.Swapped, Duplicate: a.Duplicate}, nil
}

// submit commits a user's command, which must have an id and be about something.
func (l *Ledger) submit(ctx context.Context, id, thing string, c *api.Command) (*api.Applied, *api.Origin, error) {
	if err := l.admit(id, thing); err != nil {
		return nil, nil, err
	}
	c.Id = id
	a, retries, err := l.Gateway.submit(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return a, &api.Origin{Node: a.Node, Term: a.Term, Revision: a.Index, Retries: retries}, nil
}

// Read returns a register's value.
func (l *Ledger) Read(ctx context.Context, r *api.ReadRequest) (*api.ReadReply, error) {
	origin, err := l.fresh(ctx, r.Consistency)
	if err != nil {
		return nil, err
	}
	var value string
	value, origin.Revision = l.Store.State().Read(r.Key)
	return &api.ReadReply{Value: value, Origin: origin}, nil
}

// Members returns a set's content.
func (l *Ledger) Members(ctx context.Context, r *api.MembersRequest) (*api.MembersReply, error) {
	if r.Class != api.Class_STRONG {
		return l.copied(ctx, r)
	}
	origin, err := l.fresh(ctx, r.Consistency)
	if err != nil {
		return nil, err
	}
	var members []string
	members, origin.Revision = l.Store.State().Members(r.Set)
	return &api.MembersReply{Members: members, Origin: origin}, nil
}

// fresh waits until the node's own state is fresh enough for a read that has begun.
func (l *Ledger) fresh(ctx context.Context, c api.Consistency) (*api.Origin, error) {
	if l.AskNobody {
		return &api.Origin{Node: l.Gateway.Name, Term: l.Store.Term()}, nil
	}
	if c == api.Consistency_STALE {
		return &api.Origin{Node: l.Gateway.Name, Term: l.Store.Term(), Stale: true}, nil
	}
	index, retries, err := l.Gateway.readIndex(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, catchUp)
	defer cancel()
	if err := l.Store.WaitApplied(ctx, index.Index); err != nil {
		return nil, status.Errorf(codes.Unavailable, "%s lags behind: %v", l.Gateway.Name, err)
	}
	return &api.Origin{Node: l.Gateway.Name, Term: index.Term, Retries: retries}, nil
}
