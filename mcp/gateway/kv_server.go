package gateway

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// catchUpTimeout is how long a read waits for a state that lags behind.
const catchUpTimeout = 1500 * time.Millisecond

// Store is the node's own state.
type Store interface {
	State() *state.State
	WaitApplied(ctx context.Context, index uint64) error
	Term() uint64
}

// KVServer serves api.KV: registers and sets.
type KVServer struct {
	api.UnimplementedKVServer
	Gateway *Gateway
	Store   Store
	// ReadOnlyReason is why users' mutations are refused here. Empty means that they are not.
	ReadOnlyReason string
	// Journals are this node's copies of the classes other than strong. Nil if it has none.
	Journals Journals
	// JournalNodes lists the nodes that have journals, in the order in which to ask them.
	JournalNodes func() []string
	Defects      Defects
}

// Write sets a register.
func (s *KVServer) Write(ctx context.Context, r *api.WriteRequest) (*api.MutationReply, error) {
	return s.mutate(ctx, r.Id, r.Key, &api.Command{Do: &api.Command_Write{Write: r}})
}

// CompareAndSet sets a register if it holds the expected value.
func (s *KVServer) CompareAndSet(ctx context.Context, r *api.CompareAndSetRequest) (*api.MutationReply, error) {
	return s.mutate(ctx, r.Id, r.Key, &api.Command{Do: &api.Command_CompareAndSet{CompareAndSet: r}})
}

// Add adds a member to a set.
func (s *KVServer) Add(ctx context.Context, r *api.AddRequest) (*api.MutationReply, error) {
	if r.Class != api.Class_STRONG {
		return s.appendToJournal(ctx, r)
	}
	return s.mutate(ctx, r.Id, r.Set, &api.Command{Do: &api.Command_Add{Add: r}})
}

// validate returns a refusal if a mutation is not valid or not allowed here.
func (s *KVServer) validate(id, thing string) error {
	switch {
	case id == "":
		return api.Refuse(codes.InvalidArgument, s.Gateway.Name, "", "a mutation needs an id, by which a retry is recognised")
	case thing == "":
		return api.Refuse(codes.InvalidArgument, s.Gateway.Name, "", "a mutation needs the name of a register, set or bank")
	case s.ReadOnlyReason != "":
		return api.Refuse(codes.FailedPrecondition, s.Gateway.Name, "", s.ReadOnlyReason)
	}
	return nil
}

func (s *KVServer) mutate(ctx context.Context, id, thing string, c *api.Command) (*api.MutationReply, error) {
	a, origin, err := s.submit(ctx, id, thing, c)
	if err != nil {
		return nil, err
	}
	return &api.MutationReply{Origin: origin, Swapped: a.Swapped, Duplicate: a.Duplicate}, nil
}

// submit commits a user's command about a named thing, with the id of its request.
func (s *KVServer) submit(ctx context.Context, id, thing string, c *api.Command) (*api.Applied, *api.Origin, error) {
	if err := s.validate(id, thing); err != nil {
		return nil, nil, err
	}
	c.Id = id
	a, retries, err := s.Gateway.submit(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return a, &api.Origin{Node: a.Node, Term: a.Term, Revision: a.Index, Retries: retries}, nil
}

// Read returns a register's value.
func (s *KVServer) Read(ctx context.Context, r *api.ReadRequest) (*api.ReadReply, error) {
	origin, err := s.awaitFresh(ctx, r.Consistency)
	if err != nil {
		return nil, err
	}
	var value string
	value, origin.Revision = s.Store.State().Read(r.Key)
	return &api.ReadReply{Value: value, Origin: origin}, nil
}

// Members lists a set.
func (s *KVServer) Members(ctx context.Context, r *api.MembersRequest) (*api.MembersReply, error) {
	if r.Class != api.Class_STRONG {
		return s.journalMembers(ctx, r)
	}
	origin, err := s.awaitFresh(ctx, r.Consistency)
	if err != nil {
		return nil, err
	}
	var members []string
	members, origin.Revision = s.Store.State().Members(r.Set)
	return &api.MembersReply{Members: members, Origin: origin}, nil
}

// awaitFresh waits until the node's own state contains everything that was acknowledged
// before the read began.
func (s *KVServer) awaitFresh(ctx context.Context, c api.Consistency) (*api.Origin, error) {
	if origin, instead := s.Defects.localRead(s); instead {
		return origin, nil
	}
	if c == api.Consistency_STALE {
		return &api.Origin{Node: s.Gateway.Name, Term: s.Store.Term(), Stale: true}, nil
	}
	index, retries, err := s.Gateway.readIndex(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	if err := s.Store.WaitApplied(ctx, index.Index); err != nil {
		return nil, status.Errorf(codes.Unavailable, "%s lags behind: %v", s.Gateway.Name, err)
	}
	return &api.Origin{Node: s.Gateway.Name, Term: index.Term, Retries: retries}, nil
}
