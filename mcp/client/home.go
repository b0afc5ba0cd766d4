package client

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// Home asks the gateways of the program's own region alone, for what a region
// answers without a majority. A Client looks for a gateway that can do
// everything and leaves one that is cut off; this one stays.
type Home struct {
	gateways []*Direct
	present  atomic.Uint64 // the one to ask, modulo their number
}

// ErrNotMarked is an answer that claims to be up to date though it was not asked to be.
var ErrNotMarked = errors.New("the answer is not marked stale")

// NewHome makes a client of the gateways at these logical addresses. It
// connects at the first call.
func NewHome(dial api.DialFunc, who *trust.Identity, gateways []string) (*Home, error) {
	if len(gateways) == 0 {
		return nil, errors.New("new home client: the region has no gateway")
	}
	h := &Home{}
	for _, addr := range gateways {
		d, err := To(addr, dial, who)
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
		h.gateways = append(h.gateways, d)
	}
	return h, nil
}

// Close ends its connections.
func (h *Home) Close() error {
	var errs []error
	for _, d := range h.gateways {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// Read returns a register as the region knows it.
func (h *Home) Read(ctx context.Context, key string) (*api.ReadReply, error) {
	r, err := ask(h, func(d *Direct) (*api.ReadReply, error) {
		return d.Read(ctx, &api.ReadRequest{Key: key, Consistency: Stale})
	})
	if err == nil && !r.Origin.Stale {
		err = ErrNotMarked
	}
	return r, err
}

// Setting returns a setting as the region knows it.
func (h *Home) Setting(ctx context.Context, key string) (*api.SettingReply, error) {
	r, err := ask(h, func(d *Direct) (*api.SettingReply, error) {
		return d.Settings.Get(ctx, &api.SettingGet{Key: key, Consistency: Stale})
	})
	if err == nil && !r.Origin.Stale {
		err = ErrNotMarked
	}
	return r, err
}

// Verify returns whom a token was issued to, as a gateway of the region finds
// by the keys that it holds. A token that is not good is an error.
func (h *Home) Verify(ctx context.Context, token string) (name string, err error) {
	r, err := ask(h, func(d *Direct) (*api.VerifyReply, error) {
		return d.Identity().Verify(ctx, &api.VerifyRequest{Token: token})
	})
	if err == nil && r.Refused != "" {
		err = errors.New("verify token: " + r.Refused)
	}
	return r.GetName(), err
}

// ask asks one gateway; after a failure the next call goes to another.
func ask[T any](h *Home, question func(*Direct) (T, error)) (T, error) {
	i := h.present.Load()
	out, err := question(h.gateways[i%uint64(len(h.gateways))])
	if err != nil {
		h.present.CompareAndSwap(i, i+1)
	}
	return out, err
}
