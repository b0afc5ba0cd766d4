package identity

import (
	"context"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// Service serves api.Identity. It needs a Guard before it, which authenticates the callers.
type Service struct {
	api.UnimplementedIdentityServer
	Node     string
	Verifier *Verifier
	// Signer is nil on nodes that issue no tokens.
	Signer *Signer
	Timing Timing
	Commit func(ctx context.Context, c *api.Command) (*api.Applied, error)
	Emit   func(text string, fields map[string]string) // emits an event
}

// Issue opens a session for a caller with a certificate, and returns its first token.
func (s *Service) Issue(ctx context.Context, _ *api.IssueRequest) (*api.TokenReply, error) {
	p, _ := FromContext(ctx)
	if !p.ByCertificate() {
		return nil, api.Refuse(codes.Unauthenticated, s.Node, "", "the first token is issued to a caller with a client certificate: refresh the token instead")
	}
	return s.reply(p)
}

// Refresh issues the next token of the caller's session.
func (s *Service) Refresh(ctx context.Context, _ *api.RefreshRequest) (*api.TokenReply, error) {
	p, _ := FromContext(ctx)
	switch {
	case p.ByCertificate():
		return nil, api.Refuse(codes.Unauthenticated, s.Node, "", "a refresh needs a valid token")
	case time.Since(p.sessionStart) > s.Timing.SessionLifetime:
		return nil, api.Refuse(codes.Unauthenticated, s.Node, "", "the session is too old to be refreshed: request a token with a client certificate")
	}
	return s.reply(p)
}

func (s *Service) reply(p Principal) (*api.TokenReply, error) {
	if s.Signer == nil {
		return nil, api.Refuse(codes.FailedPrecondition, s.Node, "", "this node does not issue tokens: ask one with the role identity")
	}
	token, err := s.Signer.sign(p, time.Now())
	if err != nil {
		return nil, api.Refuse(codes.Unavailable, s.Node, "", err.Error())
	}
	return &api.TokenReply{
		Token: token, LifetimeMs: s.Timing.TokenLifetime.Milliseconds(), RefreshMs: s.Timing.RefreshAfter.Milliseconds(), Node: s.Node,
	}, nil
}

// Verify verifies a token for a caller that does not have the keys.
func (s *Service) Verify(ctx context.Context, r *api.VerifyRequest) (*api.VerifyReply, error) {
	p, err := s.Verifier.Verify(ctx, r.Token)
	if err != nil {
		return &api.VerifyReply{Refused: err.Error()}, nil
	}
	return &api.VerifyReply{Name: p.Name, Kind: string(p.Kind), Session: p.Session}, nil
}

// Revoke ends a session on every node. It returns when that is committed.
func (s *Service) Revoke(ctx context.Context, r *api.RevokeRequest) (*api.RevokeReply, error) {
	caller, _ := FromContext(ctx)
	revoked := caller
	if r.Token != "" {
		var err error
		if revoked, err = s.Verifier.Verify(ctx, r.Token); err != nil {
			return nil, api.Refuse(codes.InvalidArgument, s.Node, "", err.Error())
		}
	}
	switch {
	case revoked.Session == "":
		return nil, api.Refuse(codes.InvalidArgument, s.Node, "", "the request has no token to revoke")
	case revoked.Name != caller.Name && caller.Kind == pki.Client:
		return nil, api.Refuse(codes.PermissionDenied, s.Node, "", caller.Name+" may not revoke a token of "+revoked.Name)
	}
	now := time.Now()
	// A node that is cut off may refresh the session until the session's end, so the
	// revocation lasts longer than that by a token's lifetime.
	until := revoked.sessionStart.Add(s.Timing.SessionLifetime + s.Timing.TokenLifetime + 2*MaxClockSkew)
	// The command has no id: a user could have used the same id before, so that the
	// revocation would count as a retry and not be applied.
	_, err := s.Commit(ctx, &api.Command{Do: &api.Command_Revocation{Revocation: &api.Revocation{
		Session: revoked.Session, UntilUnixMs: until.UnixMilli(), NowUnixMs: now.UnixMilli(),
	}}})
	if err != nil {
		return nil, err
	}
	s.Emit("the session of "+revoked.Name+" is revoked by "+caller.Name, map[string]string{"user": revoked.Name, "by": caller.Name})
	return &api.RevokeReply{}, nil
}

// Keys lists the public keys, sorted.
func (s *Service) Keys(context.Context, *api.KeysRequest) (*api.KeysReply, error) {
	out := &api.KeysReply{}
	keys := s.Verifier.Keys.SigningKeys()
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		k := keys[id]
		out.Keys = append(out.Keys, &api.SigningKey{
			Id: id, Node: k.Node, Public: k.Public, FromUnixMs: k.From.UnixMilli(), UntilUnixMs: k.Until.UnixMilli(),
		})
	}
	return out, nil
}
