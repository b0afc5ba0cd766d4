package mcp

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Client makes a client that finds the platform through the GSLB, that of its own region
// first. It connects at its first operation.
func (Target) Client(_ context.Context, c *cluster.Cluster, from topology.Region, id int) (workload.Client, error) {
	who, err := client.NewIdentity(c.Secret, fmt.Sprintf("%s-client-%d", from, id))
	if err != nil {
		return nil, err
	}
	cl, err := client.New(client.Config{
		Dial: c.Dialer(from), Identity: who, Seed: seed(from, id),
		GSLB:            addresses(c.Topology, from, nodespec.Gateway, nodespec.DNSPort),
		IdentityServers: addresses(c.Topology, from, nodespec.Identity, nodespec.APIPort),
	})
	if err != nil {
		return nil, fmt.Errorf("mcp client %d of %s: %w", id, from, err)
	}
	messages, err := newBusClient(c, from, who)
	if err != nil {
		return nil, fmt.Errorf("mcp client %d of %s: %w", id, from, err)
	}
	home, err := newLocalClient(c, from, who)
	if err != nil {
		return nil, fmt.Errorf("mcp client %d of %s: %w", id, from, err)
	}
	return &user{cl, newConfigClient(c, from, who), messages, home}, nil
}

// addresses returns the addresses of one port of the nodes with a role, those of a region
// first.
func addresses(t topology.Topology, from topology.Region, r nodespec.Role, port int) []string {
	var own, others []string
	for _, n := range t.Nodes {
		if n.Service != Name && n.Service != string(r) { // by the services of layouts
			continue
		}
		if a := address(n.ID, port); n.Region == from {
			own = append(own, a)
		} else {
			others = append(others, a)
		}
	}
	return append(own, others...)
}

// seed is a different number for each client, and the same in each run.
func seed(from topology.Region, id int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", from, id)
	return h.Sum64()
}

// user is a simulated user.
type user struct {
	*client.Client
	config configClient
	bus    *busClient
	local  *client.LocalClient
}

// Close closes its connections.
func (u *user) Close() error {
	return errors.Join(u.Client.Close(), u.config.close(), u.bus.Close(), u.local.Close())
}

// Do performs one operation, without retrying.
func (u *user) Do(ctx context.Context, op history.Op) history.Op {
	if op.Class() == history.LocalRead {
		return u.localRead(ctx, op)
	}
	if key, ok := settingOf(op.Key); ok {
		return u.config.setting(ctx, op, key)
	}
	if class, set, ok := classOf(op.Key); ok {
		return u.classOp(ctx, op, class, set)
	}
	switch op.Kind {
	case history.Read:
		r, err := u.Read(ctx, op.Key, consistency(op))
		return resultOfRead(op, r, err)
	case history.SetRead:
		r, err := u.Members(ctx, op.Key, consistency(op))
		return resultOfMembers(op, r, err)
	case history.Write:
		r, err := u.Write(ctx, client.NewID(), op.Key, op.Value)
		return resultOfMutation(op, r, err)
	case history.CAS:
		r, err := u.CompareAndSet(ctx, client.NewID(), op.Key, op.Expect, op.Value)
		return resultOfMutation(op, r, err)
	case history.Add:
		r, err := u.Add(ctx, client.NewID(), op.Key, op.Value)
		return resultOfMutation(op, r, err)
	case history.Open, history.Transfer, history.Balances:
		return u.accounts(ctx, op)
	case history.Publish:
		return u.bus.publish(ctx, op)
	case history.Consume:
		return u.bus.consume(ctx, op)
	}
	return failed(op, fmt.Errorf("mcp has no operation %q", op.Kind))
}

// Reader makes a client that reads through one node, over the links of that node's region.
func (Target) Reader(_ context.Context, c *cluster.Cluster, via topology.NodeID) (workload.Client, error) {
	n, ok := c.Topology.Node(via)
	if !ok {
		return nil, fmt.Errorf("mcp reader: no node %s", via)
	}
	who, err := client.NewIdentity(c.Secret, "reader-via-"+string(via))
	if err != nil {
		return nil, err
	}
	d, err := client.NewNodeClient(address(via, nodespec.APIPort), c.Dialer(n.Region), who)
	if err != nil {
		return nil, fmt.Errorf("mcp reader via %s: %w", via, err)
	}
	return &reader{d, newReplicaReader(c, n, who)}, nil
}

// reader reads what one node has applied.
type reader struct {
	*client.NodeClient
	bus *replicaReader
}

// Close closes the reader's connections.
func (r *reader) Close() error { return errors.Join(r.NodeClient.Close(), r.bus.Close()) }

// Do performs one read.
func (r *reader) Do(ctx context.Context, op history.Op) history.Op {
	if key, ok := settingOf(op.Key); ok && op.Kind == history.Read {
		out, err := r.Settings.Get(ctx, &api.SettingGet{Key: key, Consistency: consistency(op)})
		return resultOfSetting(op, out, err)
	}
	if class, set, ok := classOf(op.Key); ok {
		return r.classOp(ctx, op, class, set)
	}
	switch op.Kind {
	case history.Read:
		out, err := r.Read(ctx, &api.ReadRequest{Key: op.Key, Consistency: consistency(op)})
		return resultOfRead(op, out, err)
	case history.SetRead:
		out, err := r.Members(ctx, &api.MembersRequest{Set: op.Key, Consistency: consistency(op)})
		return resultOfMembers(op, out, err)
	case history.Balances:
		out, err := r.Balances(ctx, &api.BalancesRequest{Bank: op.Key, Consistency: consistency(op)})
		return resultOfBalances(op, out, err)
	case history.Messages:
		return r.bus.messages(ctx, op)
	}
	return failed(op, fmt.Errorf("a reader cannot %s", op.Kind))
}

func consistency(op history.Op) client.Consistency {
	if op.Stale {
		return client.Stale
	}
	return client.Linearizable
}

func resultOfRead(op history.Op, r *api.ReadReply, err error) history.Op {
	if err != nil {
		return failed(op, err) // a read changes nothing, so its failure is certain
	}
	op.Output = r.Value
	return acknowledged(op, r.Origin)
}

func resultOfMembers(op history.Op, r *api.MembersReply, err error) history.Op {
	if err != nil {
		return failed(op, err)
	}
	op.Set = r.Members
	return acknowledged(op, r.Origin)
}

func resultOfMutation(op history.Op, r *api.MutationReply, err error) history.Op {
	if err != nil {
		return mutationFailed(op, err)
	}
	op.Applied = r.Swapped
	return acknowledged(op, r.Origin)
}

// mutationFailed is the result of a failed mutation. Its outcome is unknown unless the
// error proves that it had no effect.
func mutationFailed(op history.Op, err error) history.Op {
	op = failed(op, err)
	if !client.NoEffect(err) {
		op.Outcome = history.Unknown
	}
	return op
}

func acknowledged(op history.Op, o *api.Origin) history.Op {
	op.Outcome = history.OK
	op.Node, op.Term, op.Revision = topology.NodeID(o.Node), o.Term, o.Revision
	return op
}

func failed(op history.Op, err error) history.Op {
	op.Outcome, op.Error = history.Failed, errorText(err)
	op.Rejected = client.Rejected(err)
	op.Shed = status.Code(cause(err)) == codes.ResourceExhausted && client.NoEffect(err)
	return op
}

// cause is the platform's own error, without the client's context.
func cause(err error) error {
	var e *client.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// errorText is the error without the parts that are the same for every cause.
func errorText(err error) string {
	var e *client.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if st, ok := status.FromError(e.Err); ok && st.Code() != codes.OK {
		return fmt.Sprintf("via %s: %s: %s", e.Node, st.Code(), st.Message())
	}
	return e.Err.Error()
}
