package client

import (
	"context"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// Consistency is how fresh a read must be.
type Consistency = api.Consistency

// The consistencies.
const (
	Linearizable = api.Consistency_LINEARIZABLE
	Stale        = api.Consistency_STALE
)

// Class is how a set is replicated. Registers are always strong.
type Class = api.Class

// The classes.
const (
	Strong   = api.Class_STRONG
	Semisync = api.Class_SEMISYNC
	Async    = api.Class_ASYNC
)

// Read returns a register's value, or "" if it was never written.
func (c *Client) Read(ctx context.Context, key string, how Consistency) (r *api.ReadReply, err error) {
	err = c.callKV(ctx, "read "+key, func(ctx context.Context, l api.KVClient) error {
		r, err = l.Read(ctx, &api.ReadRequest{Key: key, Consistency: how})
		return err
	})
	return r, err
}

// Members lists a strong set, sorted.
func (c *Client) Members(ctx context.Context, set string, how Consistency) (r *api.MembersReply, err error) {
	return c.MembersOf(ctx, Strong, set, how)
}

// MembersOf lists a set of a class, sorted.
func (c *Client) MembersOf(ctx context.Context, class Class, set string, how Consistency) (r *api.MembersReply, err error) {
	err = c.callKV(ctx, "members of "+set, func(ctx context.Context, l api.KVClient) error {
		r, err = l.Members(ctx, &api.MembersRequest{Class: class, Set: set, Consistency: how})
		return err
	})
	return r, err
}

// Write sets a register. The id comes from NewID; a retry must have the id of the first attempt.
func (c *Client) Write(ctx context.Context, id, key, value string) (r *api.MutationReply, err error) {
	err = c.callKV(ctx, "write "+key, func(ctx context.Context, l api.KVClient) error {
		r, err = l.Write(ctx, &api.WriteRequest{Id: id, Key: key, Value: value})
		return err
	})
	return r, err
}

// CompareAndSet sets a register if it holds expect. The reply says whether it did.
func (c *Client) CompareAndSet(ctx context.Context, id, key, expect, value string) (r *api.MutationReply, err error) {
	err = c.callKV(ctx, "compare and set "+key, func(ctx context.Context, l api.KVClient) error {
		r, err = l.CompareAndSet(ctx, &api.CompareAndSetRequest{Id: id, Key: key, Expect: expect, Value: value})
		return err
	})
	return r, err
}

// Add adds a member to a strong set.
func (c *Client) Add(ctx context.Context, id, set, member string) (r *api.MutationReply, err error) {
	return c.AddTo(ctx, id, Strong, set, member)
}

// AddTo adds a member to a set of a class.
func (c *Client) AddTo(ctx context.Context, id string, class Class, set, member string) (r *api.MutationReply, err error) {
	err = c.callKV(ctx, "add to "+set, func(ctx context.Context, l api.KVClient) error {
		r, err = l.Add(ctx, &api.AddRequest{Id: id, Class: class, Set: set, Member: member})
		return err
	})
	return r, err
}

// NewNodeClient makes a client of the node at a logical address. It authenticates with
// the certificate of an identity.
func NewNodeClient(addr string, dial api.DialFunc, identity *pki.Identity) (*NodeClient, error) {
	conn, err := api.Connect(addr, dial, api.Credentials{TLS: identity.ClientConfig()})
	if err != nil {
		return nil, err
	}
	return &NodeClient{api.NewKVClient(conn), api.NewAccountsClient(conn), api.NewSettingsClient(conn), conn}, nil
}

// NodeClient calls one node and no other.
type NodeClient struct {
	api.KVClient
	api.AccountsClient
	Settings api.SettingsClient
	conn     *grpc.ClientConn
}

// Admin is the node's service for operators.
func (d *NodeClient) Admin() api.AdminClient { return api.NewAdminClient(d.conn) }

// Identity is the node's service that issues and verifies tokens.
func (d *NodeClient) Identity() api.IdentityClient { return api.NewIdentityClient(d.conn) }

// Registry is the node's service registry.
func (d *NodeClient) Registry() api.RegistryClient { return api.NewRegistryClient(d.conn) }

// Bus is the node's service for what its message server holds.
func (d *NodeClient) Bus() api.BusClient { return api.NewBusClient(d.conn) }

// Close ends the connection.
func (d *NodeClient) Close() error { return d.conn.Close() }
