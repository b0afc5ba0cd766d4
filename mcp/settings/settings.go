// Package settings is the configuration centre: key-values that services read
// at their start and watch from then on. It serves what its node has applied,
// with or without a majority, and says when it knows no leader; mutations go
// through the gateway to whoever leads. How a service finds a centre, and what
// it does when there is none, is the client library's affair.
//
//	Put ─► gateway ─► leader ─► log ─► state ─► Watch ─► client ─► its copy on disk
package settings

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// Store is the node's own state.
type Store interface {
	Committed() *state.State
	WaitApplied(ctx context.Context, index uint64) error
	Term() uint64
	Leader() (name string, changed <-chan struct{})
}

// Router is the way to whoever leads.
type Router interface {
	Submit(ctx context.Context, c *api.Command) (*api.Applied, error)
	ReadIndex(ctx context.Context) (*api.ReadIndexReply, error)
}

// Copy is what a service was told by a centre.
type Copy interface {
	// Get returns a setting of the copy, nil when there is none, and the
	// revision up to which the copy goes.
	Get(key string) (found *api.Setting, revision uint64)
	// Wait returns once the copy goes up to a revision.
	Wait(ctx context.Context, revision uint64) error
}

// catchUp is how long a read waits for a state or a copy that lags behind.
const catchUp = 1500 * time.Millisecond

// Server serves api.Settings. Name, Router and Store are needed.
type Server struct {
	api.UnimplementedSettingsServer
	Name   string
	Router Router
	Store  Store
	// Centre says that the node is a configuration centre. Others answer Get alone.
	Centre bool
	// Held returns the copy by which a node goes that is no centre; it and what it returns
	// may be nil. With a copy, Get answers from that and not from the log, so that one can see it.
	Held func() Copy
	// Done ends every watch when it is closed: a graceful stop waits for nobody who waits.
	Done <-chan struct{}
}

// Put sets a setting.
func (s *Server) Put(ctx context.Context, r *api.SettingPut) (*api.MutationReply, error) {
	return s.mutate(ctx, &api.SettingPut{Id: r.Id, Key: r.Key, Value: r.Value})
}

// Delete removes a setting; that there is none is no error.
func (s *Server) Delete(ctx context.Context, r *api.SettingDelete) (*api.MutationReply, error) {
	return s.mutate(ctx, &api.SettingPut{Id: r.Id, Key: r.Key, Delete: true})
}

func (s *Server) mutate(ctx context.Context, p *api.SettingPut) (*api.MutationReply, error) {
	switch {
	case !s.Centre:
		return nil, s.noCentre()
	case p.Id == "":
		return nil, api.Refuse(codes.InvalidArgument, s.Name, "", "a mutation needs an id, by which a retry is recognised")
	case p.Key == "":
		return nil, api.Refuse(codes.InvalidArgument, s.Name, "", "a mutation needs the key of a setting")
	}
	a, err := s.Router.Submit(ctx, &api.Command{Id: p.Id, Do: &api.Command_SettingPut{SettingPut: p}})
	if err != nil {
		return nil, err
	}
	return &api.MutationReply{Origin: &api.Origin{Node: a.Node, Term: a.Term, Revision: a.Index}, Duplicate: a.Duplicate}, nil
}

func (s *Server) noCentre() error {
	return api.Refuse(codes.FailedPrecondition, s.Name, "", "this node is no configuration centre: ask one that has the role config")
}

// Get returns a setting.
func (s *Server) Get(ctx context.Context, r *api.SettingGet) (*api.SettingReply, error) {
	origin, held := s.origin(), s.held()
	if r.Consistency == api.Consistency_STALE {
		origin.Stale = true
	} else {
		index, err := s.Router.ReadIndex(ctx)
		if err != nil {
			return nil, err
		}
		if err := s.wait(ctx, held, index.Index); err != nil {
			return nil, status.Errorf(codes.Unavailable, "%s lags behind: %v", s.Name, err)
		}
		origin.Term, origin.Stale = index.Term, false // confirmed, whatever became of the leader since
	}
	out := &api.SettingReply{Origin: origin}
	if held != nil {
		out.Setting, origin.Revision = held.Get(r.Key)
		return out, nil
	}
	found, ok, index := s.Store.Committed().Setting(r.Key)
	if ok {
		out.Setting = told(found)
	}
	origin.Revision = index
	return out, nil
}

func (s *Server) held() Copy {
	if s.Held == nil {
		return nil
	}
	return s.Held()
}

func (s *Server) wait(ctx context.Context, held Copy, index uint64) error {
	ctx, cancel := context.WithTimeout(ctx, catchUp)
	defer cancel()
	if held != nil {
		return held.Wait(ctx, index)
	}
	return s.Store.WaitApplied(ctx, index)
}

// List returns the settings whose keys begin with a prefix.
func (s *Server) List(_ context.Context, r *api.SettingList) (*api.SettingListReply, error) {
	if !s.Centre {
		return nil, s.noCentre()
	}
	out := &api.SettingListReply{Origin: s.origin()}
	all, index := s.Store.Committed().Settings(r.Prefix)
	out.Settings, out.Origin.Revision = tell(all), index
	return out, nil
}

// origin says who answers, and that the answer may be out of date when the
// node knows no leader.
func (s *Server) origin() *api.Origin {
	leader, _ := s.Store.Leader()
	return &api.Origin{Node: s.Name, Term: s.Store.Term(), Stale: leader == ""}
}

func tell(all []state.Setting) []*api.Setting {
	out := make([]*api.Setting, len(all))
	for i, one := range all {
		out[i] = told(one)
	}
	return out
}

func told(s state.Setting) *api.Setting {
	return &api.Setting{Key: s.Key, Value: s.Value, Revision: s.Revision, Deleted: s.Deleted}
}
