package identity

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// Guard stands before every API of a node: it lets in who shows a valid token
// or, without any token, a certificate of the platform, and tells the call who
// that is. All fields are needed.
type Guard struct {
	Node string // this one, for its refusals
	// Verify judges a token.
	Verify func(ctx context.Context, token string) (Principal, error)
	// Only says which gRPC services, such as "mcp.v1.Peer", are for one kind of
	// caller alone, who must show a certificate. The others are for everybody.
	Only map[string]trust.Kind
}

// Unary guards calls of one reply.
func (g *Guard) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, err := g.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// Stream guards calls of many.
func (g *Guard) Stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := g.admit(s.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return next(srv, &stream{s, ctx})
}

type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *stream) Context() context.Context { return s.ctx }

func (g *Guard) admit(ctx context.Context, method string) (context.Context, error) {
	var tokens []string
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		tokens = md.Get(api.TokenHeader)
	}
	var conn *tls.ConnectionState
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			conn = &info.State
		}
	}
	p, err := g.who(ctx, tokens, conn)
	if err != nil {
		return nil, api.Refuse(codes.Unauthenticated, g.Node, "", err.Error())
	}
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	if kind, ok := g.Only[service]; ok && (p.Kind != kind || !p.ByCertificate()) {
		return nil, api.Refuse(codes.PermissionDenied, g.Node, "", fmt.Sprintf("%s shows no certificate of an %q: %s is for those alone", p.Name, kind, service))
	}
	return With(ctx, p), nil
}

// who finds out who calls. A bad token is refused even when the certificate is
// good: the caller meant to act as somebody else.
func (g *Guard) who(ctx context.Context, tokens []string, conn *tls.ConnectionState) (Principal, error) {
	switch len(tokens) {
	case 0:
		if conn != nil {
			if name, kind, ok := trust.Who(*conn); ok {
				return Principal{Name: name, Kind: kind}, nil
			}
		}
		return Principal{}, errors.New("no credentials: show a token (authorization: Bearer …) or a client certificate of this platform")
	case 1:
		token, ok := strings.CutPrefix(tokens[0], api.TokenPrefix)
		if !ok {
			return Principal{}, errors.New("the authorization is not a bearer token")
		}
		return g.Verify(ctx, token)
	}
	return Principal{}, errors.New("more than one authorization")
}

// HTTP guards a handler in the same way.
func (g *Guard) HTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := g.who(r.Context(), r.Header.Values(api.TokenHeader), r.TLS)
		if err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, g.Node+" refused: "+err.Error(), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(With(r.Context(), p)))
	})
}
