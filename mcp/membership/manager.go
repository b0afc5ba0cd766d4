// Package membership decides who belongs to the platform. Operators ask for it
// (Admin), the leader does it (Manager): a node comes in without a vote, is given
// one when it has caught up, and goes only when those left are a majority that
// answers. Which nodes are lost is arbiter's affair: a lost node stays a member.
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
	// batch is how many entries behind the leader a node has caught up: raft sends
	// as many in one message.
	batch = 256
	// look is how often the leader sees whether somebody has caught up.
	look = 100 * time.Millisecond
	// askLimit bounds one question to one member.
	askLimit = time.Second
	// fewest is how many voters must be left: one alone survives nothing.
	fewest = 2
)

// Consensus is what the leader does with the replicated log.
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

// NodeInfo is what is known of a node, member or not.
type NodeInfo struct {
	Region string
	Roles  []string
	Votes  bool // it shall vote once it has caught up
}

// Manager is one node's part in membership. All fields are needed.
type Manager struct {
	Self      string
	Consensus Consensus
	Lookup    func(name string) (NodeInfo, bool)        // a node, if anyone has ever heard of it
	Validate  func(region string, roles []string) error // whether a new node could be so
	Addr      func(name string) string                  // logical raft address
	Lost      func() []string                           // by arbitration
	Progress  func(ctx context.Context, name string) (*api.ProgressReply, error)
	Note      func(k events.Kind, says string, fields map[string]string)

	mu sync.Mutex // one change at a time
}

// Change does what an operator asks for, if this node leads. An error that is
// api.Refused proves that nothing was changed by it.
func (k *Manager) Change(ctx context.Context, c *api.MembershipChange) (*api.Membership, error) {
	if _, ok := k.Consensus.Leads(); !ok {
		return nil, k.refuse(codes.Unavailable, "not the leader")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var err error
	switch do := c.Change.(type) {
	case *api.MembershipChange_Add:
		err = k.add(ctx, do.Add)
	case *api.MembershipChange_Remove:
		err = k.remove(ctx, do.Remove.GetName())
	case *api.MembershipChange_Replace:
		err = k.replace(ctx, do.Replace)
	}
	if err != nil {
		return nil, err
	}
	return k.list(ctx), nil
}

func (k *Manager) refuse(code codes.Code, format string, args ...any) error {
	return api.Refuse(code, k.Self, "", fmt.Sprintf(format, args...))
}

// vet says what is wrong with a node that shall be added.
func (k *Manager) vet(r *api.AddMember) error {
	if r.GetName() == "" {
		return k.refuse(codes.InvalidArgument, "add: say the name of the node")
	}
	known, ok := k.Lookup(r.Name)
	switch {
	case !ok && (r.Region == "" || len(r.Roles) == 0):
		return k.refuse(codes.InvalidArgument, "add %s: nobody has heard of it: say its region and its roles", r.Name)
	case !ok:
		if err := k.Validate(r.Region, r.Roles); err != nil {
			return k.refuse(codes.InvalidArgument, "add %s: %v", r.Name, err)
		}
	case r.Region != "" && r.Region != known.Region:
		return k.refuse(codes.InvalidArgument, "add %s: it is known to be in %s, not in %s: take another name", r.Name, known.Region, r.Region)
	case len(r.Roles) > 0 && !slices.Equal(slices.Sorted(slices.Values(r.Roles)), slices.Sorted(slices.Values(known.Roles))):
		return k.refuse(codes.InvalidArgument, "add %s: it is known to have the roles %s: take another name", r.Name, strings.Join(known.Roles, ", "))
	}
	return nil
}

func (k *Manager) add(ctx context.Context, r *api.AddMember) error {
	if err := k.vet(r); err != nil {
		return err
	}
	if _, ok := k.member(r.Name); ok {
		return nil
	}
	if _, ok := k.Lookup(r.Name); !ok { // so that every node knows what it is
		if _, err := k.Consensus.Propose(ctx, state.Registration{Region: r.Region, Roles: r.Roles}.Command(r.Name)); err != nil {
			return err
		}
	}
	if err := k.Consensus.AddLearner(r.Name, k.Addr(r.Name)); err != nil {
		return err
	}
	k.Note(events.Added, r.Name+" is a member, without a vote as yet", map[string]string{"peer": r.Name})
	return nil
}

func (k *Manager) remove(ctx context.Context, name string) error {
	m, ok := k.member(name)
	if !ok {
		if _, heard := k.Lookup(name); !heard {
			return k.refuse(codes.NotFound, "remove %s: there is no such node; members are %s", name, strings.Join(k.names(), ", "))
		}
		return nil
	}
	if m.Voter {
		if err := k.majorityWithout(ctx, name); err != nil {
			return err
		}
	}
	if name == k.Self {
		if err := k.Consensus.TransferLeadership(ctx, ""); err != nil {
			return k.refuse(codes.FailedPrecondition, "remove %s: it leads, and cannot hand over: %v", name, err)
		}
		return k.refuse(codes.Unavailable, "remove %s: it led and hands over; ask the next leader", name)
	}
	if err := k.Consensus.Remove(name); err != nil {
		return err
	}
	k.Note(events.Removed, name+" is no member any more", map[string]string{"peer": name})
	return nil
}

func (k *Manager) replace(ctx context.Context, r *api.ReplaceMember) error {
	if err := k.vet(r.Replacement); err != nil {
		return err
	}
	if r.Name == r.Replacement.Name {
		if _, err := k.ask(ctx, r.Name); err == nil {
			if _, ok := k.member(r.Name); ok {
				return nil
			}
		}
	}
	_, was := k.member(r.Name)
	if err := k.remove(ctx, r.Name); err != nil {
		return err
	}
	err := k.add(ctx, r.Replacement)
	if err != nil && was { // a refusal to add would say that nothing was changed
		return status.Errorf(codes.Aborted, "%s: replace %s: it is removed, and %s not yet added: add it: %s", k.Self, r.Name, r.Replacement.Name, status.Convert(err).Message())
	}
	return err
}

// majorityWithout refuses what would leave too few voters, or too few that
// answer. It asks them now: what arbitration knows may be seconds old.
func (k *Manager) majorityWithout(ctx context.Context, name string) error {
	var left, silent []string
	for _, m := range k.Consensus.Members() {
		if m.Voter && m.Name != name {
			left = append(left, m.Name)
		}
	}
	if len(left) < fewest {
		return k.refuse(codes.FailedPrecondition, "remove %s: %d voter would be left, and it takes %d to survive the loss of one: add another first", name, len(left), fewest)
	}
	answers := k.askAll(ctx, left)
	for _, n := range left {
		if answers[n] == nil {
			silent = append(silent, n)
		}
	}
	if alive := len(left) - len(silent); 2*alive <= len(left) {
		return k.refuse(codes.FailedPrecondition, "remove %s: only %d of the %d voters left would answer, which is no majority: bring %s back first",
			name, alive, len(left), strings.Join(silent, ", "))
	}
	return nil
}

func (k *Manager) member(name string) (consensus.Member, bool) {
	all := k.Consensus.Members()
	i := slices.IndexFunc(all, func(m consensus.Member) bool { return m.Name == name })
	if i < 0 {
		return consensus.Member{}, false
	}
	return all[i], true
}

func (k *Manager) names() (out []string) {
	for _, m := range k.Consensus.Members() {
		out = append(out, m.Name)
	}
	return out
}
