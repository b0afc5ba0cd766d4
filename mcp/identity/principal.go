package identity

import (
	"context"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// Principal is who makes a call.
type Principal struct {
	Name string
	Kind trust.Kind
	// Session is the token session that the call carried; empty when the caller
	// proved itself by its certificate.
	Session string
	began   time.Time // when that session did
}

// ByCertificate says whether the caller proved itself by a certificate.
func (p Principal) ByCertificate() bool { return p.Session == "" }

type principalKey struct{}

// With returns a context that knows who calls.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// Of returns who calls; not ok outside a guarded call.
func Of(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(principalKey{}).(Principal)
	return p, ok
}
