package client

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Centre is how an operator's program reads and changes settings, at the main
// region's centre, or at a backup while that one does not serve. It never sends
// a mutation twice by itself. Services that live by settings use Settings.
type Centre struct {
	to      func(node string) (*grpc.ClientConn, error)
	centres []string // the main region's first

	ctx  context.Context // ends at Close
	stop context.CancelFunc
	work sync.WaitGroup

	mu   sync.Mutex
	down map[string]bool // and being asked whether they are back
}

// NewCentre makes a client of the configuration centres, those of the main
// region first. The connections that to makes are the caller's to close.
func NewCentre(to func(node string) (*grpc.ClientConn, error), centres []string) *Centre {
	c := &Centre{to: to, centres: centres, down: map[string]bool{}}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// Close ends the client.
func (c *Centre) Close() {
	c.mu.Lock()
	c.stop() // under the lock: no probe starts after it
	c.mu.Unlock()
	c.work.Wait()
}

// Get returns a setting; the reply has none when there is none of that key.
func (c *Centre) Get(ctx context.Context, key string, how Consistency) (r *api.SettingReply, err error) {
	err = c.call(ctx, "get setting "+key, func(ctx context.Context, s api.SettingsClient) error {
		r, err = s.Get(ctx, &api.SettingGet{Key: key, Consistency: how})
		return err
	})
	return r, err
}

// Put sets a setting. The id is NewID's; a retry carries that of the first attempt.
func (c *Centre) Put(ctx context.Context, id, key, value string) (r *api.MutationReply, err error) {
	err = c.call(ctx, "put setting "+key, func(ctx context.Context, s api.SettingsClient) error {
		r, err = s.Put(ctx, &api.SettingPut{Id: id, Key: key, Value: value})
		return err
	})
	return r, err
}

// Delete removes a setting; that there is none is no error.
func (c *Centre) Delete(ctx context.Context, id, key string) (r *api.MutationReply, err error) {
	err = c.call(ctx, "delete setting "+key, func(ctx context.Context, s api.SettingsClient) error {
		r, err = s.Delete(ctx, &api.SettingDelete{Id: id, Key: key})
		return err
	})
	return r, err
}

// call makes one call at the best centre and judges what it tells of it.
func (c *Centre) call(ctx context.Context, op string, do func(context.Context, api.SettingsClient) error) error {
	centre := c.best()
	conn, err := c.to(centre)
	if err != nil {
		return &Error{Op: op, Node: centre, NoEffect: true, Err: err}
	}
	slow := time.AfterFunc(Slow, func() { c.leave(centre, conn) })
	ctx, sent := api.WithSent(ctx)
	err = do(ctx, api.NewSettingsClient(conn))
	slow.Stop()
	if err == nil {
		return nil
	}
	if !innocent(ctx, err) {
		c.leave(centre, conn)
	}
	return &Error{Op: op, Node: centre, NoEffect: api.Refused(err) || !sent.Yes(), Err: err}
}

// best is the first centre that is not known to be down, or the first of all.
func (c *Centre) best() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.centres {
		if !c.down[name] {
			return name
		}
	}
	return c.centres[0]
}

// leave avoids a centre until it is seen to serve again: users must not have
// to find that out with their calls.
func (c *Centre) leave(centre string, conn *grpc.ClientConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down[centre] || c.ctx.Err() != nil {
		return
	}
	c.down[centre] = true
	c.work.Go(func() {
		for {
			select {
			case <-time.After(homesick / 2):
			case <-c.ctx.Done():
				return
			}
			if centreServes(c.ctx, api.NewSettingsClient(conn)) {
				c.mu.Lock()
				delete(c.down, centre)
				c.mu.Unlock()
				return
			}
		}
	})
}
