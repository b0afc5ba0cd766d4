package membership

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/gateway"
	"github.com/mcp-resilience/holdfast/mcp/identity"
)

// Admin serves api.Admin. It forwards each call to the leader's Manager.
type Admin struct {
	api.UnimplementedAdminServer
	Gateway *gateway.Gateway
	Manager *Manager
}

// Members implements api.AdminServer. Without a leader it returns what this node knows.
func (a *Admin) Members(ctx context.Context, _ *api.MembershipRequest) (*api.Membership, error) {
	out, err := a.forward(ctx, &api.MembershipChange{})
	if api.Refused(err) {
		return a.Manager.Known(), nil
	}
	return out, err
}

// Add implements api.AdminServer.
func (a *Admin) Add(ctx context.Context, r *api.AddMember) (*api.Membership, error) {
	return a.change(ctx, &api.MembershipChange{Change: &api.MembershipChange_Add{Add: r}})
}

// Remove implements api.AdminServer.
func (a *Admin) Remove(ctx context.Context, r *api.RemoveMember) (*api.Membership, error) {
	return a.change(ctx, &api.MembershipChange{Change: &api.MembershipChange_Remove{Remove: r}})
}

// Replace implements api.AdminServer.
func (a *Admin) Replace(ctx context.Context, r *api.ReplaceMember) (*api.Membership, error) {
	return a.change(ctx, &api.MembershipChange{Change: &api.MembershipChange_Replace{Replace: r}})
}

// change is for operators, who hold a certificate. A token is not enough: users have those.
func (a *Admin) change(ctx context.Context, c *api.MembershipChange) (*api.Membership, error) {
	if p, ok := identity.FromContext(ctx); !ok || !p.ByCertificate() {
		return nil, api.Refuse(codes.PermissionDenied, a.Manager.Self, "", "changing members takes an operator's certificate, a token is not enough")
	}
	return a.forward(ctx, c)
}

func (a *Admin) forward(ctx context.Context, c *api.MembershipChange) (*api.Membership, error) {
	return gateway.OnLeader(ctx, a.Gateway,
		func(ctx context.Context) (*api.Membership, error) { return a.Manager.Change(ctx, c) },
		func(ctx context.Context, leader grpc.ClientConnInterface) (*api.Membership, error) {
			return api.NewReconfigurationClient(leader).Change(ctx, c)
		})
}

// Reconfiguration serves api.Reconfiguration, for other nodes.
type Reconfiguration struct {
	api.UnimplementedReconfigurationServer
	Manager *Manager
	Leader  func() string // that this node follows
	Term    func() uint64
}

// Change implements api.ReconfigurationServer.
func (e *Reconfiguration) Change(ctx context.Context, c *api.MembershipChange) (*api.Membership, error) {
	return e.Manager.Change(ctx, c)
}

// Progress implements api.ReconfigurationServer.
func (e *Reconfiguration) Progress(context.Context, *api.ProgressRequest) (*api.ProgressReply, error) {
	_, applied := e.Manager.Consensus.Position()
	return &api.ProgressReply{Applied: applied, Term: e.Term(), Leader: e.Leader()}, nil
}
