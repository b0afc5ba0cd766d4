package identity

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// Guard authenticates the callers of every API of a node. It accepts a valid token or, if
// there is no token, a certificate of the platform, and puts the caller into the call's
// context. All fields are required.
type Guard struct {
	Node string // this node, for its refusals
	// Verify verifies a token.
	Verify func(ctx context.Context, token string) (Principal, error)
	// RestrictedTo maps gRPC services, such as "mcp.v1.Peer", to the only kind of caller that
	// may use them, with a certificate. All other services are for everybody.
	RestrictedTo map[string]pki.Kind
}

// Principal is who makes a call.
type Principal struct {
	Name string
	Kind pki.Kind
	// Session is the session of the token that the call carried. It is empty if the caller
	// authenticated with its certificate.
	Session      string
	sessionStart time.Time
}

// ByCertificate reports whether the caller authenticated with a certificate.
func (p Principal) ByCertificate() bool { return p.Session == "" }

type principalKey struct{}

// NewContext returns a context with the principal.
func NewContext(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// FromContext returns the principal of a call. ok is false outside a guarded call.
func FromContext(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// Unary is the gRPC interceptor of unary calls.
func (g *Guard) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, err := g.authenticate(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// Stream is the gRPC interceptor of streaming calls.
func (g *Guard) Stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := g.authenticate(s.Context(), info.FullMethod)
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

func (g *Guard) authenticate(ctx context.Context, method string) (context.Context, error) {
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
	p, err := g.principal(ctx, tokens, conn)
	if err != nil {
		return nil, api.Refuse(codes.Unauthenticated, g.Node, "", err.Error())
	}
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	if kind, ok := g.RestrictedTo[service]; ok && (p.Kind != kind || !p.ByCertificate()) {
		return nil, api.Refuse(codes.PermissionDenied, g.Node, "", fmt.Sprintf("%s has no certificate of an %q, and only those may use %s", p.Name, kind, service))
	}
	return NewContext(ctx, p), nil
}

// principal returns the caller. A bad token is refused even with a good certificate,
// because the caller meant to act as somebody else.
func (g *Guard) principal(ctx context.Context, tokens []string, conn *tls.ConnectionState) (Principal, error) {
	switch len(tokens) {
	case 0:
		if conn != nil {
			if name, kind, ok := pki.CertificateOwner(*conn); ok {
				return Principal{Name: name, Kind: kind}, nil
			}
		}
		return Principal{}, errors.New("no credentials: a token (authorization: Bearer …) or a client certificate of this platform is required")
	case 1:
		token, ok := strings.CutPrefix(tokens[0], api.TokenPrefix)
		if !ok {
			return Principal{}, errors.New("the authorization is not a bearer token")
		}
		return g.Verify(ctx, token)
	}
	return Principal{}, errors.New("the request has more than one authorization header")
}

// HTTP wraps a handler: a request whose caller cannot be authenticated is refused and does not reach it.
func (g *Guard) HTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := g.principal(r.Context(), r.Header.Values(api.TokenHeader), r.TLS)
		if err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, g.Node+" refused: "+err.Error(), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), p)))
	})
}
