package client

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// ConfigClient reads and changes settings for an operator's program, at the main region's
// config server, or at a backup while that one does not serve. It never sends a mutation
// twice. Services that follow settings use Settings.
type ConfigClient struct {
	conn    func(node string) (*grpc.ClientConn, error)
	servers []string // the main region's first

	ctx  context.Context // ends at Close
	stop context.CancelFunc
	work sync.WaitGroup

	mu   sync.Mutex
	down map[string]bool // the servers that are probed until they serve again
}

// NewConfigClient makes a client of the config servers, of which the main region's come
// first. The caller closes the connections that conn returns.
func NewConfigClient(to func(node string) (*grpc.ClientConn, error), servers []string) *ConfigClient {
	c := &ConfigClient{conn: to, servers: servers, down: map[string]bool{}}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// Close ends the client.
func (c *ConfigClient) Close() {
	c.mu.Lock()
	c.stop() // under the lock: no probe starts after it
	c.mu.Unlock()
	c.work.Wait()
}

// Get returns a setting. The reply has none if there is no setting with that key.
func (c *ConfigClient) Get(ctx context.Context, key string, how Consistency) (r *api.SettingReply, err error) {
	err = c.call(ctx, "get setting "+key, func(ctx context.Context, s api.SettingsClient) error {
		r, err = s.Get(ctx, &api.SettingGet{Key: key, Consistency: how})
		return err
	})
	return r, err
}

// Put sets a setting. The id comes from NewID; a retry must have the id of the first attempt.
func (c *ConfigClient) Put(ctx context.Context, id, key, value string) (r *api.MutationReply, err error) {
	err = c.call(ctx, "put setting "+key, func(ctx context.Context, s api.SettingsClient) error {
		r, err = s.Put(ctx, &api.SettingPut{Id: id, Key: key, Value: value})
		return err
	})
	return r, err
}

// Delete removes a setting. If there is none, that is no error.
func (c *ConfigClient) Delete(ctx context.Context, id, key string) (r *api.MutationReply, err error) {
	err = c.call(ctx, "delete setting "+key, func(ctx context.Context, s api.SettingsClient) error {
		r, err = s.Delete(ctx, &api.SettingDelete{Id: id, Key: key})
		return err
	})
	return r, err
}

// call makes one call at the best server, and avoids the server if it is slow or fails.
func (c *ConfigClient) call(ctx context.Context, op string, do func(context.Context, api.SettingsClient) error) error {
	server := c.best()
	conn, err := c.conn(server)
	if err != nil {
		return &Error{Op: op, Node: server, NoEffect: true, Err: err}
	}
	slow := time.AfterFunc(SlowThreshold, func() { c.avoid(server, conn) })
	ctx, sent := api.WithSent(ctx)
	err = do(ctx, api.NewSettingsClient(conn))
	slow.Stop()
	if err == nil {
		return nil
	}
	if !notServersFault(ctx, err) {
		c.avoid(server, conn)
	}
	return &Error{Op: op, Node: server, NoEffect: api.Refused(err) || !sent.Yes(), Err: err}
}

// best returns the first server that is not known to be down, or the first of all.
func (c *ConfigClient) best() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.servers {
		if !c.down[name] {
			return name
		}
	}
	return c.servers[0]
}

// avoid avoids a server until a probe shows that it serves again, so that no call of a
// user has to find out.
func (c *ConfigClient) avoid(server string, conn *grpc.ClientConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down[server] || c.ctx.Err() != nil {
		return
	}
	c.down[server] = true
	c.work.Go(func() {
		for {
			select {
			case <-time.After(failbackInterval / 2):
			case <-c.ctx.Done():
				return
			}
			if configServerServes(c.ctx, api.NewSettingsClient(conn)) {
				c.mu.Lock()
				delete(c.down, server)
				c.mu.Unlock()
				return
			}
		}
	})
}
