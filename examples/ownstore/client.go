package ownstore

import (
	"context"
	"errors"
	"fmt"
	"net/rpc"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// request and reply are kv's; gob matches them by the names of their fields.
type (
	request struct{ Op, Key, Value, Expect string }
	reply   struct {
		Values  []string
		Swapped bool
	}
)

// user is a client in a region that may use some of the nodes.
type user struct {
	cluster *cluster.Cluster
	from    topology.Region
	nodes   []topology.NodeID

	mu    sync.Mutex
	conns map[topology.NodeID]*rpc.Client
	shun  map[topology.NodeID]time.Time // until when a node that failed is not asked
}

func newUser(c *cluster.Cluster, from topology.Region, nodes ...topology.NodeID) *user {
	return &user{cluster: c, from: from, nodes: nodes, conns: map[topology.NodeID]*rpc.Client{}, shun: map[topology.NodeID]time.Time{}}
}

// Do sends the operation once, to the first node that can be reached, and
// sorts what comes back into the three outcomes.
func (u *user) Do(ctx context.Context, op history.Op) history.Op {
	node, conn, err := u.pick(ctx)
	if err != nil { // nothing was sent
		op.Outcome, op.Error = history.Failed, err.Error()
		return op
	}
	var got reply
	call := conn.Go("Store.Do", request{string(op.Kind), op.Key, op.Value, op.Expect}, &got, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		err = call.Error
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err == nil {
		op.Outcome, op.Node = history.OK, node
		switch op.Kind {
		case history.Read:
			op.Output = strings.Join(got.Values, "")
		case history.SetRead:
			op.Set = got.Values
		}
		op.Applied = got.Swapped
		return op
	}
	op.Error = fmt.Sprintf("via %s: %v", node, err)
	var serverErr rpc.ServerError
	if !errors.As(err, &serverErr) { // not an answer: the connection broke or the time is up
		u.drop(node, conn)
	}
	if strings.HasPrefix(string(serverErr), "refused") || op.Kind.Class() == history.Reads {
		op.Outcome = history.Failed // kv promises it, or there was nothing to change
	} else {
		op.Outcome = history.Unknown
	}
	return op
}

// pick is the first node that is not shunned and answers.
func (u *user) pick(ctx context.Context) (topology.NodeID, *rpc.Client, error) {
	var errs []error
	for _, n := range u.nodes {
		u.mu.Lock()
		conn, shunned := u.conns[n], len(u.nodes) > 1 && time.Now().Before(u.shun[n])
		u.mu.Unlock()
		if shunned {
			continue
		}
		if conn != nil {
			return n, conn, nil
		}
		conn, err := u.connect(ctx, n)
		if err == nil {
			return n, conn, nil
		}
		errs = append(errs, err)
	}
	return "", nil, fmt.Errorf("no node to ask: %w", errors.Join(errs...))
}

// connect dials a node over its link and waits for a sign of life: a proxy
// accepts for a node that is dead or cut off.
func (u *user) connect(ctx context.Context, n topology.NodeID) (*rpc.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	raw, err := u.cluster.Dialer(u.from)(ctx, "tcp", fmt.Sprintf("%s:%d", n, port))
	if err == nil {
		conn := rpc.NewClient(raw)
		select {
		case call := <-conn.Go("Store.Ping", request{}, new(reply), make(chan *rpc.Call, 1)).Done:
			err = call.Error
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err == nil {
			u.mu.Lock()
			defer u.mu.Unlock()
			if other := u.conns[n]; other != nil { // another operation was quicker
				_ = conn.Close()
				return other, nil
			}
			u.conns[n] = conn
			return conn, nil
		}
		_ = conn.Close()
	}
	u.mu.Lock()
	u.shun[n] = time.Now().Add(time.Second)
	u.mu.Unlock()
	return nil, fmt.Errorf("reach %s: %w", n, err)
}

func (u *user) drop(n topology.NodeID, conn *rpc.Client) {
	_ = conn.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.conns[n] == conn {
		delete(u.conns, n)
	}
}

// Close ends the connections.
func (u *user) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range u.conns {
		_ = c.Close()
	}
	return nil
}
