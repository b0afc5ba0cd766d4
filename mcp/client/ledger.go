package client

import (
	"context"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// Consistency is how fresh a read must be.
type Consistency = api.Consistency

// The consistencies.
const (
	Linearizable = api.Consistency_LINEARIZABLE
	Stale        = api.Consistency_STALE
)

// Class is how a set is kept. Registers are always strong.
type Class = api.Class

// The classes.
const (
	Strong   = api.Class_STRONG
	Semisync = api.Class_SEMISYNC
	Async    = api.Class_ASYNC
)

// Read returns a register's value, "" when it was never written.
func (c *Client) Read(ctx context.Context, key string, how Consistency) (r *api.ReadReply, err error) {
	err = c.call(ctx, "read "+key, func(ctx context.Context, l api.LedgerClient) error {
		r, err = l.Read(ctx, &api.ReadRequest{Key: key, Consistency: how})
		return err
	})
	return r, err
}

// Members returns a strong set's content, sorted.
func (c *Client) Members(ctx context.Context, set string, how Consistency) (r *api.MembersReply, err error) {
	return c.MembersOf(ctx, Strong, set, how)
}

// MembersOf returns the content of a class's set, sorted.
func (c *Client) MembersOf(ctx context.Context, class Class, set string, how Consistency) (r *api.MembersReply, err error) {
	err = c.call(ctx, "members of "+set, func(ctx context.Context, l api.LedgerClient) error {
		r, err = l.Members(ctx, &api.MembersRequest{Class: class, Set: set, Consistency: how})
		return err
	})
	return r, err
}

// Write sets a register. The id is NewID's; a retry carries that of the first attempt.
func (c *Client) Write(ctx context.Context, id, key, value string) (r *api.MutationReply, err error) {
	err = c.call(ctx, "write "+key, func(ctx context.Context, l api.LedgerClient) error {
		r, err = l.Write(ctx, &api.WriteRequest{Id: id, Key: key, Value: value})
		return err
	})
	return r, err
}

// CompareAndSet sets a register that holds expect; the reply says whether it did.
func (c *Client) CompareAndSet(ctx context.Context, id, key, expect, value string) (r *api.MutationReply, err error) {
	err = c.call(ctx, "compare and set "+key, func(ctx context.Context, l api.LedgerClient) error {
		r, err = l.CompareAndSet(ctx, &api.CompareAndSetRequest{Id: id, Key: key, Expect: expect, Value: value})
		return err
	})
	return r, err
}

// Add puts a member into a strong set.
func (c *Client) Add(ctx context.Context, id, set, member string) (r *api.MutationReply, err error) {
	return c.AddTo(ctx, id, Strong, set, member)
}

// AddTo puts a member into a class's set.
func (c *Client) AddTo(ctx context.Context, id string, class Class, set, member string) (r *api.MutationReply, err error) {
	err = c.call(ctx, "add to "+set, func(ctx context.Context, l api.LedgerClient) error {
		r, err = l.Add(ctx, &api.AddRequest{Id: id, Class: class, Set: set, Member: member})
		return err
	})
	return r, err
}

// To makes a client that talks to one node and to no other, and proves itself by its certificate.
func To(addr string, dial api.DialFunc, who *trust.Identity) (*Direct, error) {
	conn, err := api.Connect(addr, dial, api.Credentials{TLS: who.Dial()})
	if err != nil {
		return nil, err
	}
	return &Direct{api.NewLedgerClient(conn), api.NewAccountsClient(conn), api.NewSettingsClient(conn), conn}, nil
}

// Direct talks to one node.
type Direct struct {
	api.LedgerClient
	api.AccountsClient
	Settings api.SettingsClient
	conn     *grpc.ClientConn
}

// Admin is the node's entrance for operators.
func (d *Direct) Admin() api.AdminClient { return api.NewAdminClient(d.conn) }

// Identity is the node's word on tokens.
func (d *Direct) Identity() api.IdentityClient { return api.NewIdentityClient(d.conn) }

// Registry is the node's directory of services.
func (d *Direct) Registry() api.RegistryClient { return api.NewRegistryClient(d.conn) }

// Bus asks the message server of the node.
func (d *Direct) Bus() api.BusClient { return api.NewBusClient(d.conn) }

// Close ends the connection.
func (d *Direct) Close() error { return d.conn.Close() }
