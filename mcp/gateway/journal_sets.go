package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/primarybackup"
)

// Journals are a node's copies of the journals.
type Journals interface {
	Append(ctx context.Context, r *api.AppendRequest) (*api.Appended, error)
	Confirm(ctx context.Context, r *api.ClassRequest) (*api.Position, error)
	Members(ctx context.Context, c api.Class, set string, at *api.Position) ([]string, error)
}

var _ Journals = (*primarybackup.Replica)(nil)

// primaryRoute leads to the primary of a class.
func (s *KVServer) primaryRoute(c api.Class) route {
	return route{
		target: func() (string, <-chan struct{}) {
			state := s.Store.State()
			_, changed := state.Applied() // before the primary is read, so that no change is missed
			return state.Primary(c).Primary, changed
		},
		noTarget: className(c) + " has no primary yet",
	}
}

func className(c api.Class) string { return strings.ToLower(c.String()) }

// appendToJournal adds a member to a set of a class that has a journal.
func (s *KVServer) appendToJournal(ctx context.Context, r *api.AddRequest) (*api.MutationReply, error) {
	if err := s.validate(r.Id, r.Set); err != nil {
		return nil, err
	}
	var node string
	req := &api.AppendRequest{Class: r.Class, Entry: &api.Entry{Id: r.Id, Set: r.Set, Member: r.Member}}
	a, err := callOnce(ctx, s.Gateway, s.primaryRoute(r.Class), func(ctx context.Context, primary string) (*api.Appended, error) {
		node = primary
		if primary == s.Gateway.Name && s.Journals != nil {
			return s.Journals.Append(ctx, req)
		}
		return forward(ctx, s.Gateway, "primary "+primary, primary, func(ctx context.Context, conn grpc.ClientConnInterface) (*api.Appended, error) {
			return api.NewJournalsClient(conn).Append(ctx, req)
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.MutationReply{Origin: &api.Origin{Node: node, Term: a.Position.Epoch, Revision: a.Position.Index}, Duplicate: a.Duplicate}, nil
}

// journalMembers lists a set from this node's copy, or from that of another node if this
// one has none.
func (s *KVServer) journalMembers(ctx context.Context, r *api.MembersRequest) (*api.MembersReply, error) {
	if s.Journals == nil {
		return s.remoteMembers(ctx, r)
	}
	if r.Consistency == api.Consistency_STALE {
		members, err := s.Journals.Members(ctx, r.Class, r.Set, nil)
		return &api.MembersReply{Members: members, Origin: &api.Origin{Node: s.Gateway.Name, Stale: true}}, err
	}
	at, err := callOnce(ctx, s.Gateway, s.primaryRoute(r.Class), func(ctx context.Context, primary string) (*api.Position, error) {
		class := &api.ClassRequest{Class: r.Class}
		if primary == s.Gateway.Name {
			return s.Journals.Confirm(ctx, class)
		}
		return forward(ctx, s.Gateway, "primary "+primary, primary, func(ctx context.Context, conn grpc.ClientConnInterface) (*api.Position, error) {
			return api.NewJournalsClient(conn).Confirm(ctx, class)
		})
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	members, err := s.Journals.Members(ctx, r.Class, r.Set, at)
	return &api.MembersReply{Members: members, Origin: &api.Origin{Node: s.Gateway.Name, Term: at.Epoch, Revision: at.Index}}, err
}

// remoteMembers asks the nodes that have journals, one after the other, lost ones last.
func (s *KVServer) remoteMembers(ctx context.Context, r *api.MembersRequest) (*api.MembersReply, error) {
	lost := s.Store.State().HealthView().Lost
	var errs []error
	for _, lostToo := range []bool{false, true} {
		for _, node := range s.JournalNodes() {
			if slices.Contains(lost, node) != lostToo {
				continue
			}
			conn, err := s.Gateway.Conn(node)
			if err == nil {
				var out *api.MembersReply
				if out, err = api.NewKVClient(conn).Members(ctx, r); err == nil {
					return out, nil
				}
			}
			if errs = append(errs, err); ctx.Err() != nil {
				break
			}
		}
	}
	return nil, api.Refuse(codes.Unavailable, s.Gateway.Name, "", "no node with a copy of "+className(r.Class)+" answers: "+errors.Join(errs...).Error())
}
