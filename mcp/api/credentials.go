package api

import (
	"context"
	"crypto/tls"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// Credentials is how a caller proves who it is to a node, and the node to it.
type Credentials struct {
	// TLS holds the authority that certifies nodes and, for a caller that identifies itself
	// by one, a certificate. It is needed.
	TLS *tls.Config
	// Token returns the bearer token that each call carries; nil means none.
	Token func(ctx context.Context) (string, error)
}

// transport is never in the clear: without a TLS configuration the system's authorities
// are trusted, which certify no node.
func (c Credentials) transport() grpc.DialOption {
	return grpc.WithTransportCredentials(credentials.NewTLS(c.TLS))
}

func (c Credentials) call() grpc.DialOption {
	if c.Token == nil {
		return grpc.EmptyDialOption{}
	}
	return grpc.WithPerRPCCredentials(bearer(c.Token))
}

// bearer puts a token into the header of each call.
type bearer func(ctx context.Context) (string, error)

// TokenHeader is the header that carries a token, as "Bearer TOKEN".
const TokenHeader = "authorization"

// TokenPrefix stands before the token.
const TokenPrefix = "Bearer "

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	t, err := b(ctx)
	if err != nil {
		return nil, err
	}
	if t == "" {
		return nil, errors.New("the call needs a token, and there is none")
	}
	return map[string]string{TokenHeader: TokenPrefix + t}, nil
}

func (bearer) RequireTransportSecurity() bool { return true }
