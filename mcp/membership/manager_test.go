package membership_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/consensus"
	"github.com/mcp-resilience/holdfast/mcp/membership"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// platform is a replicated log without nodes: its members, how far each has applied it,
// and which of them do not answer.
type platform struct {
	mu      sync.Mutex
	members map[string]bool // by name, whether it votes
	applied map[string]uint64
	silent  []string
	did     []string
	frozen  bool // nobody can be added
}

const committed = 10_000

func (p *platform) do(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.did = append(p.did, what)
}

func (p *platform) done() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.did)
}

func (p *platform) Members() (out []consensus.Member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, votes := range p.members {
		out = append(out, consensus.Member{Name: name, Voter: votes})
	}
	slices.SortFunc(out, func(a, b consensus.Member) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (p *platform) set(name string, votes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.members[name] = votes
}

func (p *platform) AddLearner(name, addr string) error {
	p.do("add learner " + name + " at " + addr)
	if p.frozen {
		return api.Refuse(codes.Unavailable, "east-1", "north-1", "not the leader")
	}
	p.set(name, false)
	return nil
}

func (p *platform) PromoteVoter(name string) error {
	p.do("promote voter " + name)
	p.set(name, true)
	return nil
}

func (p *platform) Remove(name string) error {
	p.do("remove " + name)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.members, name)
	return nil
}

func (p *platform) Position() (uint64, uint64) { return committed, committed }
func (p *platform) Leads() (uint64, bool)      { return 3, true }
func (p *platform) TransferLeadership(context.Context, string) error {
	p.do("transfer leadership")
	return nil
}

func (p *platform) Propose(_ context.Context, c *api.Command) (*api.Applied, error) {
	p.do("register " + c.GetRegistration().GetNode())
	return &api.Applied{}, nil
}

func (p *platform) progress(_ context.Context, name string) (*api.ProgressReply, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(p.silent, name) {
		return nil, errors.New("no answer")
	}
	return &api.ProgressReply{Applied: p.applied[name], Leader: "east-1"}, nil
}

// manager leads as east-1. Nodes are known by their region's name; those that end in "bus" do not vote.
func (p *platform) manager() *membership.Manager {
	return &membership.Manager{
		Self: "east-1", Consensus: p, Note: func(events.Kind, string, map[string]string) {},
		Lookup: func(name string) (membership.NodeInfo, bool) {
			region, role, _ := strings.Cut(name, "-")
			votes := role != "bus"
			return membership.NodeInfo{Region: region, Roles: []string{"control"}, Votes: votes}, role != "new"
		},
		Validate: func(string, []string) error { return nil },
		Addr:     func(name string) string { return name + ":7401" },
		Lost:     func() []string { return nil },
		Progress: p.progress,
	}
}

func three() map[string]bool {
	return map[string]bool{"east-1": true, "north-1": true, "south-1": true}
}

func add(name string) *api.MembershipChange {
	return &api.MembershipChange{Change: &api.MembershipChange_Add{Add: &api.AddMember{Name: name}}}
}

func remove(name string) *api.MembershipChange {
	return &api.MembershipChange{Change: &api.MembershipChange_Remove{Remove: &api.RemoveMember{Name: name}}}
}

func replace(name, by string) *api.MembershipChange {
	return &api.MembershipChange{Change: &api.MembershipChange_Replace{Replace: &api.ReplaceMember{Name: name, Replacement: &api.AddMember{Name: by}}}}
}

func TestChanges(t *testing.T) {
	for _, tc := range []struct {
		name   string
		silent []string
		do     *api.MembershipChange
		did    []string
		code   codes.Code
	}{
		{"an empty change lists the members", nil, &api.MembershipChange{}, nil, codes.OK},
		{"a node is added without a vote", nil, add("south-2"), []string{"add learner south-2 at south-2:7401"}, codes.OK},
		{"a member is not added again", nil, add("south-1"), nil, codes.OK},
		{"an unknown node needs region and roles", nil, add("south-new"), nil, codes.InvalidArgument},
		{"a node needs a name", nil, add(""), nil, codes.InvalidArgument},
		{"a dead member is removed", []string{"south-1"}, remove("south-1"), []string{"remove south-1"}, codes.OK},
		{"a node that is not a member is not removed again", nil, remove("south-2"), nil, codes.OK},
		{"an unknown node cannot be removed", nil, remove("south-new"), nil, codes.NotFound},
		{"live voters are needed while others are dead", []string{"north-1"}, remove("south-1"), nil, codes.FailedPrecondition},
		{"the leader transfers leadership first", nil, remove("east-1"), []string{"transfer leadership"}, codes.Unavailable},
		{"a dead node gives its place to another", []string{"south-1"}, replace("south-1", "south-2"), []string{"remove south-1", "add learner south-2 at south-2:7401"}, codes.OK},
		{"a dead node takes its own place, empty", []string{"south-1"}, replace("south-1", "south-1"), []string{"remove south-1", "add learner south-1 at south-1:7401"}, codes.OK},
		{"a node that answers is not replaced by itself", nil, replace("south-1", "south-1"), nil, codes.OK},
		{"nothing is removed for an invalid replacement", []string{"south-1"}, replace("south-1", "south-new"), nil, codes.InvalidArgument},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := &platform{members: three(), silent: tc.silent}
			_, err := p.manager().Change(t.Context(), tc.do)
			if got := status.Code(err); got != tc.code || err != nil && !api.Refused(err) {
				t.Errorf("answered %v, want %s and, if it is no success, a refusal", err, tc.code)
			}
			if diff := cmp.Diff(tc.did, p.done()); diff != "" {
				t.Errorf("did (-want +got):\n%s", diff)
			}
		})
	}
}

// A refusal proves that nothing was changed, which is not true once the old node is removed.
func TestAHalfDoneReplacementIsNotRefused(t *testing.T) {
	p := &platform{members: three(), silent: []string{"south-1"}, frozen: true}
	_, err := p.manager().Change(t.Context(), replace("south-1", "south-2"))
	if api.Refused(err) || status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "not yet added") {
		t.Errorf("answered %v, want that it is aborted halfway", err)
	}
	if _, err := p.manager().Change(t.Context(), replace("south-1", "south-2")); !api.Refused(err) {
		t.Errorf("answered %v the second time, when nothing is removed, want a refusal", err)
	}
}

func TestTwoVotersAreLeftAtLeast(t *testing.T) {
	p := &platform{members: map[string]bool{"east-1": true, "north-1": true, "south-1": false}}
	_, err := p.manager().Change(t.Context(), remove("north-1"))
	if !api.Refused(err) || !strings.Contains(err.Error(), "1 voter would be left") {
		t.Errorf("%v; want a refusal", err)
	}
	if _, err := p.manager().Change(t.Context(), remove("south-1")); err != nil {
		t.Errorf("who has no vote may go: %v", err)
	}
}

func TestCaughtUpLearnersBecomeVoters(t *testing.T) {
	p := &platform{
		members: map[string]bool{"east-1": true, "north-1": true, "south-1": false, "south-2": false, "south-3": false, "south-bus": false},
		applied: map[string]uint64{"south-1": committed, "south-2": 9_000, "south-3": committed, "south-bus": committed},
		silent:  []string{"south-3"},
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.manager().Promote(ctx) }()
	await := func(what string, want ...string) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !cmp.Equal(want, p.done()); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: did %v, want %v", what, p.done(), want)
			}
		}
	}
	await("one has", "promote voter south-1")
	time.Sleep(300 * time.Millisecond) // looks at which nobody else must get a vote
	await("one lags, one is silent, one is no control node", "promote voter south-1")
	p.mu.Lock()
	p.applied["south-2"] = committed - 200 // within one message of the leader
	p.mu.Unlock()
	await("now the second has, too", "promote voter south-1", "promote voter south-2")
	cancel()
	<-done
}
