// Package membership decides which nodes belong to the platform. Operators ask for a change
// (Admin) and the leader makes it (Manager). A node joins without a vote, becomes a voter
// when it has caught up, and is removed only if the voters left are a majority that
// answers. Whether a node is lost is decided by package arbiter: a lost node stays a member.
//
//	Add ──► learner ──caught up──► voter ──Remove──► gone
package membership

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/consensus"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

const (
	// maxLag is how many entries a node that has caught up may be behind the leader: as
	// many as raft sends in one message.
	maxLag = 256
	// pollInterval is how often the leader checks whether a learner has caught up.
	pollInterval = 100 * time.Millisecond
	// askTimeout bounds one question to one member.
	askTimeout = time.Second
	// minVoters is how many voters must be left, since one alone survives no failure.
	minVoters = 2
)

// Consensus is what a Manager needs of the replicated log.
type Consensus interface {
	Members() []consensus.Member
	AddLearner(name, addr string) error
	PromoteVoter(name string) error
	Remove(name string) error
	Position() (committed, applied uint64)
	Leads() (term uint64, ok bool)
	TransferLeadership(ctx context.Context, to string) error
	Propose(ctx context.Context, c *api.Command) (*api.Applied, error)
}

var _ Consensus = (*consensus.Node)(nil)

// NodeInfo describes a node, whether it is a member or not.
type NodeInfo struct {
	Region string
	Roles  []string
	Votes  bool // it becomes a voter once it has caught up
}

// Manager is one node's part in membership. All fields are needed.
type Manager struct {
	Self      string
	Consensus Consensus
	Lookup    func(name string) (NodeInfo, bool)        // a node, if the platform knows it
	Validate  func(region string, roles []string) error // an error if a new node cannot be like this
	Addr      func(name string) string                  // logical raft address
	Lost      func() []string                           // by arbitration
	Progress  func(ctx context.Context, name string) (*api.ProgressReply, error)
	Note      func(k events.Kind, description string, fields map[string]string)

	mu sync.Mutex // one change at a time
}

// Change makes the change that an operator asks for, if this node leads. An error that is
// api.Refused proves that it changed nothing.
func (mgr *Manager) Change(ctx context.Context, c *api.MembershipChange) (*api.Membership, error) {
	if _, ok := mgr.Consensus.Leads(); !ok {
		return nil, mgr.refuse(codes.Unavailable, "not the leader")
	}
	mgr.mu.Lock()
	defer mgr.mu.Unlock()
	var err error
	switch do := c.Change.(type) {
	case *api.MembershipChange_Add:
		err = mgr.add(ctx, do.Add)
	case *api.MembershipChange_Remove:
		err = mgr.remove(ctx, do.Remove.GetName())
	case *api.MembershipChange_Replace:
		err = mgr.replace(ctx, do.Replace)
	}
	if err != nil {
		return nil, err
	}
	return mgr.list(ctx), nil
}

func (mgr *Manager) refuse(code codes.Code, format string, args ...any) error {
	return api.Refuse(code, mgr.Self, "", fmt.Sprintf(format, args...))
}

// validate returns an error if a node cannot be added as asked.
func (mgr *Manager) validate(r *api.AddMember) error {
	if r.GetName() == "" {
		return mgr.refuse(codes.InvalidArgument, "add: the node has no name: give its name")
	}
	known, ok := mgr.Lookup(r.Name)
	switch {
	case !ok && (r.Region == "" || len(r.Roles) == 0):
		return mgr.refuse(codes.InvalidArgument, "add %s: the platform does not know this node: give its region and its roles", r.Name)
	case !ok:
		if err := mgr.Validate(r.Region, r.Roles); err != nil {
			return mgr.refuse(codes.InvalidArgument, "add %s: %v", r.Name, err)
		}
	case r.Region != "" && r.Region != known.Region:
		return mgr.refuse(codes.InvalidArgument, "add %s: a node of this name is in region %s, not %s: use another name", r.Name, known.Region, r.Region)
	case len(r.Roles) > 0 && !slices.Equal(slices.Sorted(slices.Values(r.Roles)), slices.Sorted(slices.Values(known.Roles))):
		return mgr.refuse(codes.InvalidArgument, "add %s: a node of this name has the roles %s: use another name", r.Name, strings.Join(known.Roles, ", "))
	}
	return nil
}

func (mgr *Manager) add(ctx context.Context, r *api.AddMember) error {
	if err := mgr.validate(r); err != nil {
		return err
	}
	if _, ok := mgr.member(r.Name); ok {
		return nil
	}
	if _, ok := mgr.Lookup(r.Name); !ok { // so that every node knows its region and roles
		if _, err := mgr.Consensus.Propose(ctx, state.Registration{Region: r.Region, Roles: r.Roles}.Command(r.Name)); err != nil {
			return err
		}
	}
	if err := mgr.Consensus.AddLearner(r.Name, mgr.Addr(r.Name)); err != nil {
		return err
	}
	mgr.Note(events.Added, r.Name+" is a member, without a vote yet", map[string]string{"peer": r.Name})
	return nil
}

func (mgr *Manager) remove(ctx context.Context, name string) error {
	m, ok := mgr.member(name)
	if !ok {
		if _, heard := mgr.Lookup(name); !heard {
			return mgr.refuse(codes.NotFound, "remove %s: there is no such node; members are %s", name, strings.Join(mgr.memberNames(), ", "))
		}
		return nil
	}
	if m.Voter {
		if err := mgr.majorityWithout(ctx, name); err != nil {
			return err
		}
	}
	if name == mgr.Self {
		if err := mgr.Consensus.TransferLeadership(ctx, ""); err != nil {
			return mgr.refuse(codes.FailedPrecondition, "remove %s: it is the leader and cannot transfer leadership: %v", name, err)
		}
		return mgr.refuse(codes.Unavailable, "remove %s: it was the leader and has transferred leadership: ask the next leader", name)
	}
	if err := mgr.Consensus.Remove(name); err != nil {
		return err
	}
	mgr.Note(events.Removed, name+" is not a member any more", map[string]string{"peer": name})
	return nil
}

func (mgr *Manager) replace(ctx context.Context, r *api.ReplaceMember) error {
	if err := mgr.validate(r.Replacement); err != nil {
		return err
	}
	if r.Name == r.Replacement.Name {
		if _, err := mgr.ask(ctx, r.Name); err == nil {
			if _, ok := mgr.member(r.Name); ok {
				return nil
			}
		}
	}
	_, was := mgr.member(r.Name)
	if err := mgr.remove(ctx, r.Name); err != nil {
		return err
	}
	err := mgr.add(ctx, r.Replacement)
	if err != nil && was { // the error of add alone would claim that nothing was changed
		return status.Errorf(codes.Aborted, "%s: replace %s: it is removed, but %s is not yet added: add it with Admin.Add: %s", mgr.Self, r.Name, r.Replacement.Name, status.Convert(err).Message())
	}
	return err
}

// majorityWithout returns an error if too few voters would be left, or too few that
// answer. It asks them now, because what arbitration knows may be seconds old.
func (mgr *Manager) majorityWithout(ctx context.Context, name string) error {
	var left, silent []string
	for _, m := range mgr.Consensus.Members() {
		if m.Voter && m.Name != name {
			left = append(left, m.Name)
		}
	}
	if len(left) < minVoters {
		return mgr.refuse(codes.FailedPrecondition, "remove %s: only %d voter would be left, and at least %d are needed: add another one first", name, len(left), minVoters)
	}
	answers := mgr.askAll(ctx, left)
	for _, n := range left {
		if answers[n] == nil {
			silent = append(silent, n)
		}
	}
	if alive := len(left) - len(silent); 2*alive <= len(left) {
		return mgr.refuse(codes.FailedPrecondition, "remove %s: only %d of the %d voters left answer, which is not a majority: bring %s back first",
			name, alive, len(left), strings.Join(silent, ", "))
	}
	return nil
}

func (mgr *Manager) member(name string) (consensus.Member, bool) {
	all := mgr.Consensus.Members()
	i := slices.IndexFunc(all, func(m consensus.Member) bool { return m.Name == name })
	if i < 0 {
		return consensus.Member{}, false
	}
	return all[i], true
}

func (mgr *Manager) memberNames() (out []string) {
	for _, m := range mgr.Consensus.Members() {
		out = append(out, m.Name)
	}
	return out
}
