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

// Journals are the copies of a node that keeps journals.
type Journals interface {
	Append(ctx context.Context, r *api.AppendRequest) (*api.Appended, error)
	Confirm(ctx context.Context, r *api.ClassRequest) (*api.Position, error)
	Members(ctx context.Context, c api.Class, set string, at *api.Position) ([]string, error)
}

var _ Journals = (*primarybackup.Replica)(nil)

// primary is the head of a class.
func (l *Ledger) primary(c api.Class) head {
	return head{
		now: func() (string, <-chan struct{}) {
			s := l.Store.State()
			_, changed := s.Applied() // before the office, lest a change fall in between
			return s.Primary(c).Primary, changed
		},
		none: className(c) + " has no primary yet",
	}
}

func className(c api.Class) string { return strings.ToLower(c.String()) }

// append puts a member into a set of a class that has a journal.
func (l *Ledger) append(ctx context.Context, r *api.AddRequest) (*api.MutationReply, error) {
	if err := l.admit(r.Id, r.Set); err != nil {
		return nil, err
	}
	var by string
	req := &api.AppendRequest{Class: r.Class, Entry: &api.Entry{Id: r.Id, Set: r.Set, Member: r.Member}}
	a, err := route(ctx, l.Gateway, l.primary(r.Class), func(ctx context.Context, primary string) (*api.Appended, error) {
		by = primary
		if primary == l.Gateway.Name && l.Journals != nil {
			return l.Journals.Append(ctx, req)
		}
		return forward(ctx, l.Gateway, "primary "+primary, primary, func(ctx context.Context, conn grpc.ClientConnInterface) (*api.Appended, error) {
			return api.NewJournalsClient(conn).Append(ctx, req)
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.MutationReply{Origin: &api.Origin{Node: by, Term: a.Position.Epoch, Revision: a.Position.Index}, Duplicate: a.Duplicate}, nil
}

// copied returns a set's content from this node's copy, or from the nearest
// node that keeps one.
func (l *Ledger) copied(ctx context.Context, r *api.MembersRequest) (*api.MembersReply, error) {
	if l.Journals == nil {
		return l.elsewhere(ctx, r)
	}
	if r.Consistency == api.Consistency_STALE {
		members, err := l.Journals.Members(ctx, r.Class, r.Set, nil)
		return &api.MembersReply{Members: members, Origin: &api.Origin{Node: l.Gateway.Name, Stale: true}}, err
	}
	at, err := route(ctx, l.Gateway, l.primary(r.Class), func(ctx context.Context, primary string) (*api.Position, error) {
		class := &api.ClassRequest{Class: r.Class}
		if primary == l.Gateway.Name {
			return l.Journals.Confirm(ctx, class)
		}
		return forward(ctx, l.Gateway, "primary "+primary, primary, func(ctx context.Context, conn grpc.ClientConnInterface) (*api.Position, error) {
			return api.NewJournalsClient(conn).Confirm(ctx, class)
		})
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, catchUp)
	defer cancel()
	members, err := l.Journals.Members(ctx, r.Class, r.Set, at)
	return &api.MembersReply{Members: members, Origin: &api.Origin{Node: l.Gateway.Name, Term: at.Epoch, Revision: at.Index}}, err
}

// elsewhere asks the nodes that keep journals, one after the other.
func (l *Ledger) elsewhere(ctx context.Context, r *api.MembersRequest) (*api.MembersReply, error) {
	lost := l.Store.State().HealthView().Lost
	var errs []error
	for _, lostToo := range []bool{false, true} {
		for _, node := range l.Keepers() {
			if slices.Contains(lost, node) != lostToo {
				continue
			}
			conn, err := l.Gateway.To(node)
			if err == nil {
				var out *api.MembersReply
				if out, err = api.NewLedgerClient(conn).Members(ctx, r); err == nil {
					return out, nil
				}
			}
			if errs = append(errs, err); ctx.Err() != nil {
				break
			}
		}
	}
	return nil, api.Refuse(codes.Unavailable, l.Gateway.Name, "", "no node that keeps "+className(r.Class)+" answers: "+errors.Join(errs...).Error())
}
