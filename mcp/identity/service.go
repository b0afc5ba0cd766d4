package identity

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// Service serves api.Identity. It stands behind a Guard, which says who calls.
type Service struct {
	api.UnimplementedIdentityServer
	Node     string
	Verifier *Verifier
	// Signer is nil on nodes that do not issue.
	Signer *Signer
	Timing Timing
	Commit func(ctx context.Context, c *api.Command) (*api.Applied, error)
	Told   func(says string, fields map[string]string)
}

// Issue opens a session for whoever has shown a certificate.
func (s *Service) Issue(ctx context.Context, _ *api.IssueRequest) (*api.TokenReply, error) {
	p, _ := Of(ctx)
	if !p.ByCertificate() {
		return nil, api.Refuse(codes.Unauthenticated, s.Node, "", "a first token is issued to who shows a client certificate; refresh the token you have")
	}
	return s.reply(p)
}

// Refresh goes on with the caller's session.
func (s *Service) Refresh(ctx context.Context, _ *api.RefreshRequest) (*api.TokenReply, error) {
	p, _ := Of(ctx)
	switch {
	case p.ByCertificate():
		return nil, api.Refuse(codes.Unauthenticated, s.Node, "", "refreshing needs a token that is still valid")
	case time.Since(p.began) > s.Timing.Session:
		return nil, api.Refuse(codes.Unauthenticated, s.Node, "", "the session is over: have a token issued by your certificate")
	}
	return s.reply(p)
}

func (s *Service) reply(p Principal) (*api.TokenReply, error) {
	if s.Signer == nil {
		return nil, api.Refuse(codes.FailedPrecondition, s.Node, "", "it has not the role identity: ask a node that does")
	}
	token, err := s.Signer.sign(p, time.Now())
	if err != nil {
		return nil, api.Refuse(codes.Unavailable, s.Node, "", err.Error())
	}
	return &api.TokenReply{
		Token: token, LifeMs: s.Timing.Life.Milliseconds(), RefreshMs: s.Timing.Refresh.Milliseconds(), Node: s.Node,
	}, nil
}

// Verify judges a token for somebody who does not hold the keys.
func (s *Service) Verify(ctx context.Context, r *api.VerifyRequest) (*api.VerifyReply, error) {
	p, err := s.Verifier.Verify(ctx, r.Token)
	if err != nil {
		return &api.VerifyReply{Refused: err.Error()}, nil
	}
	return &api.VerifyReply{Name: p.Name, Kind: string(p.Kind), Session: p.Session}, nil
}

// Revoke ends a session everywhere, once it is committed.
func (s *Service) Revoke(ctx context.Context, r *api.RevokeRequest) (*api.RevokeReply, error) {
	who, _ := Of(ctx)
	victim := who
	if r.Token != "" {
		var err error
		if victim, err = s.Verifier.Verify(ctx, r.Token); err != nil {
			return nil, api.Refuse(codes.InvalidArgument, s.Node, "", err.Error())
		}
	}
	switch {
	case victim.Session == "":
		return nil, api.Refuse(codes.InvalidArgument, s.Node, "", "no token to revoke")
	case victim.Name != who.Name && who.Kind == trust.Client:
		return nil, api.Refuse(codes.PermissionDenied, s.Node, "", who.Name+" may not revoke a token of "+victim.Name)
	}
	now := time.Now()
	// A node that is cut off may refresh the session until its end, so the
	// revocation outlives that by a token's life.
	until := victim.began.Add(s.Timing.Session + s.Timing.Life + 2*Skew)
	// Without an id: a user could have taken it, and so kept his session.
	_, err := s.Commit(ctx, &api.Command{Do: &api.Command_Revocation{Revocation: &api.Revocation{
		Session: victim.Session, UntilUnixMs: until.UnixMilli(), NowUnixMs: now.UnixMilli(),
	}}})
	if err != nil {
		return nil, err
	}
	s.Told("the session of "+victim.Name+" is revoked by "+who.Name, map[string]string{"user": victim.Name, "by": who.Name})
	return &api.RevokeReply{}, nil
}

// Keys lists the public keys, sorted.
func (s *Service) Keys(context.Context, *api.KeysRequest) (*api.KeysReply, error) {
	out := &api.KeysReply{}
	keys := s.Verifier.Ledger.SigningKeys()
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		k := keys[id]
		out.Keys = append(out.Keys, &api.SigningKey{
			Id: id, Node: k.Node, Public: k.Public, FromUnixMs: k.From.UnixMilli(), UntilUnixMs: k.Until.UnixMilli(),
		})
	}
	return out, nil
}

// AskIssuer is the defect verify-at-issuer: tokens are verified by asking the
// node that issued them, so nobody is let in while it is down. To connects to another node.
func (s *Service) AskIssuer(to func(node string) (api.IdentityClient, error)) func(context.Context, string) (Principal, error) {
	return func(ctx context.Context, token string) (Principal, error) {
		issuer := issuerOf(token)
		if issuer == "" || issuer == s.Node {
			return s.Verifier.Verify(ctx, token)
		}
		c, err := to(issuer)
		if err != nil {
			return Principal{}, errors.New("its issuer " + issuer + " cannot be asked: " + err.Error())
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		r, err := c.Verify(ctx, &api.VerifyRequest{Token: token})
		switch {
		case err != nil:
			return Principal{}, errors.New("its issuer " + issuer + " cannot be asked: " + err.Error())
		case r.Refused != "":
			return Principal{}, errors.New(r.Refused)
		}
		return Principal{Name: r.Name, Kind: trust.Kind(r.Kind), Session: r.Session}, nil
	}
}
