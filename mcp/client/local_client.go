package client

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// LocalClient calls only the gateways of its own region, for what a region can answer
// without a majority. A Client leaves a gateway that is cut off from the majority; a
// LocalClient stays with it.
type LocalClient struct {
	gateways []*NodeClient
	current  atomic.Uint64 // index of the gateway to call, modulo their number
}

// ErrNotMarkedStale is the error of a stale read whose answer is not marked as such.
var ErrNotMarkedStale = errors.New("the answer is not marked stale")

// NewLocalClient makes a client of the gateways at these logical addresses. It
// connects at the first call.
func NewLocalClient(dial api.DialFunc, who *pki.Identity, gateways []string) (*LocalClient, error) {
	if len(gateways) == 0 {
		return nil, errors.New("new local client: the region has no gateway")
	}
	c := &LocalClient{}
	for _, addr := range gateways {
		d, err := NewNodeClient(addr, dial, who)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.gateways = append(c.gateways, d)
	}
	return c, nil
}

// Close ends the client's connections.
func (c *LocalClient) Close() error {
	var errs []error
	for _, d := range c.gateways {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// Read returns a register as the region knows it.
func (c *LocalClient) Read(ctx context.Context, key string) (*api.ReadReply, error) {
	r, err := askLocal(c, func(d *NodeClient) (*api.ReadReply, error) {
		return d.Read(ctx, &api.ReadRequest{Key: key, Consistency: Stale})
	})
	if err == nil && !r.Origin.Stale {
		err = ErrNotMarkedStale
	}
	return r, err
}

// Setting returns a setting as the region knows it.
func (c *LocalClient) Setting(ctx context.Context, key string) (*api.SettingReply, error) {
	r, err := askLocal(c, func(d *NodeClient) (*api.SettingReply, error) {
		return d.Settings.Get(ctx, &api.SettingGet{Key: key, Consistency: Stale})
	})
	if err == nil && !r.Origin.Stale {
		err = ErrNotMarkedStale
	}
	return r, err
}

// Verify returns the name of the user that a token was issued to, as a gateway of the
// region finds with the keys that it holds. An invalid token is an error.
func (c *LocalClient) Verify(ctx context.Context, token string) (name string, err error) {
	r, err := askLocal(c, func(d *NodeClient) (*api.VerifyReply, error) {
		return d.Identity().Verify(ctx, &api.VerifyRequest{Token: token})
	})
	if err == nil && r.Refused != "" {
		err = errors.New("verify token: " + r.Refused)
	}
	return r.GetName(), err
}

// askLocal calls one gateway. After a failure the next call goes to another one.
func askLocal[T any](c *LocalClient, call func(*NodeClient) (T, error)) (T, error) {
	i := c.current.Load()
	out, err := call(c.gateways[i%uint64(len(c.gateways))])
	if err != nil {
		c.current.CompareAndSwap(i, i+1)
	}
	return out, err
}
