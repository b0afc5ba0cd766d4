// Package settings is the config server: key-values that services read when they start
// and watch from then on. It serves what its node has applied, with or without a
// majority, and marks it stale when it knows no leader. Mutations go through the gateway
// to the leader. How a service finds a config server, and what it does when none answers,
// is the task of mcp/client.
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

// Router calls the leader.
type Router interface {
	Submit(ctx context.Context, c *api.Command) (*api.Applied, error)
	ReadIndex(ctx context.Context) (*api.ReadIndexReply, error)
}

// Copy is a service's copy of the settings.
type Copy interface {
	// Get returns a setting of the copy, or nil if there is none, and the copy's revision.
	Get(key string) (found *api.Setting, revision uint64)
	// Wait returns once the copy has reached a revision.
	Wait(ctx context.Context, revision uint64) error
}

// catchUpTimeout is how long a read waits for a state or a copy that lags behind.
const catchUpTimeout = 1500 * time.Millisecond

// Server serves api.Settings. Name, Router and Store are required.
type Server struct {
	api.UnimplementedSettingsServer
	Name   string
	Router Router
	Store  Store
	// IsConfigServer is whether the node is a config server. Other nodes answer only Get.
	IsConfigServer bool
	// LocalCopy returns the copy that a node uses that is no config server. The function and
	// its result may be nil. If there is a copy, Get answers from it and not from the log, so
	// that users can see which settings the node uses.
	LocalCopy func() Copy
	// Done ends every watch when it is closed, so that a graceful stop does not wait for them.
	Done <-chan struct{}
}

// Put sets a setting.
func (s *Server) Put(ctx context.Context, r *api.SettingPut) (*api.MutationReply, error) {
	return s.mutate(ctx, &api.SettingPut{Id: r.Id, Key: r.Key, Value: r.Value})
}

// Delete removes a setting. If there is none, that is no error.
func (s *Server) Delete(ctx context.Context, r *api.SettingDelete) (*api.MutationReply, error) {
	return s.mutate(ctx, &api.SettingPut{Id: r.Id, Key: r.Key, Delete: true})
}

func (s *Server) mutate(ctx context.Context, p *api.SettingPut) (*api.MutationReply, error) {
	switch {
	case !s.IsConfigServer:
		return nil, s.refuseNotConfigServer()
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

func (s *Server) refuseNotConfigServer() error {
	return api.Refuse(codes.FailedPrecondition, s.Name, "", "this node is no config server: ask one with the role config")
}

// Get returns a setting.
func (s *Server) Get(ctx context.Context, r *api.SettingGet) (*api.SettingReply, error) {
	origin, held := s.origin(), s.localCopy()
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
		origin.Term, origin.Stale = index.Term, false // the leader has confirmed the read
	}
	out := &api.SettingReply{Origin: origin}
	if held != nil {
		out.Setting, origin.Revision = held.Get(r.Key)
		return out, nil
	}
	found, ok, index := s.Store.Committed().Setting(r.Key)
	if ok {
		out.Setting = settingToAPI(found)
	}
	origin.Revision = index
	return out, nil
}

func (s *Server) localCopy() Copy {
	if s.LocalCopy == nil {
		return nil
	}
	return s.LocalCopy()
}

func (s *Server) wait(ctx context.Context, held Copy, index uint64) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	if held != nil {
		return held.Wait(ctx, index)
	}
	return s.Store.WaitApplied(ctx, index)
}

// List returns the settings whose keys begin with a prefix.
func (s *Server) List(_ context.Context, r *api.SettingList) (*api.SettingListReply, error) {
	if !s.IsConfigServer {
		return nil, s.refuseNotConfigServer()
	}
	out := &api.SettingListReply{Origin: s.origin()}
	all, index := s.Store.Committed().Settings(r.Prefix)
	out.Settings, out.Origin.Revision = settingsToAPI(all), index
	return out, nil
}

// origin is that of an answer, which is stale if the node knows no leader.
func (s *Server) origin() *api.Origin {
	leader, _ := s.Store.Leader()
	return &api.Origin{Node: s.Name, Term: s.Store.Term(), Stale: leader == ""}
}

func settingsToAPI(all []state.Setting) []*api.Setting {
	out := make([]*api.Setting, len(all))
	for i, s := range all {
		out[i] = settingToAPI(s)
	}
	return out
}

func settingToAPI(s state.Setting) *api.Setting {
	return &api.Setting{Key: s.Key, Value: s.Value, Revision: s.Revision, Deleted: s.Deleted}
}
