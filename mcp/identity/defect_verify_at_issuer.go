package identity

import (
	"context"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// AskIssuer is the defect verify-at-issuer: it returns a function that verifies a token
// by asking the node that issued it, so that nobody is authenticated while that node is
// down. conn connects to another node.
func (s *Service) AskIssuer(conn func(node string) (api.IdentityClient, error)) func(context.Context, string) (Principal, error) {
	return func(ctx context.Context, token string) (Principal, error) {
		issuer := issuerOf(token)
		if issuer == "" || issuer == s.Node {
			return s.Verifier.Verify(ctx, token)
		}
		c, err := conn(issuer)
		if err != nil {
			return Principal{}, errors.New("the token's issuer " + issuer + " does not answer: " + err.Error())
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		r, err := c.Verify(ctx, &api.VerifyRequest{Token: token})
		switch {
		case err != nil:
			return Principal{}, errors.New("the token's issuer " + issuer + " does not answer: " + err.Error())
		case r.Refused != "":
			return Principal{}, errors.New(r.Refused)
		}
		return Principal{Name: r.Name, Kind: pki.Kind(r.Kind), Session: r.Session}, nil
	}
}

// issuerOf is the node that a token names as its issuer, unverified.
func issuerOf(token string) string {
	c := new(claims)
	if _, _, err := jwt.NewParser().ParseUnverified(token, c); err != nil {
		return ""
	}
	return c.Issuer
}
