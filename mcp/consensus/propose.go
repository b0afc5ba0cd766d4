package consensus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// enqueueTimeout is how long a command may wait for the leader's loop to take it.
const enqueueTimeout = 500 * time.Millisecond

// Propose commits a command through this node, which must lead, and returns what it did.
// An error that is api.Refused proves that the command was never in any log; after any
// other error it may still be applied.
func (n *Node) Propose(ctx context.Context, c *api.Command) (out *api.Applied, err error) {
	end := startSpan(ctx)
	defer func() { end(out, err) }()
	if out, instead, err := n.defects.propose(c); instead {
		return out, err
	}
	if n.raft.State() != raft.Leader {
		return nil, n.refuse("not the leader")
	}
	if n.lease.expired() {
		return nil, n.refuse("cut off from all nodes that do not vote: a standby may have taken over")
	}
	entry, err := proto.Marshal(c)
	if err != nil {
		return nil, n.refuse(err.Error())
	}
	if !n.inflight.enter() {
		return nil, n.refuse("leadership is being handed over")
	}
	done := make(chan raft.ApplyFuture, 1)
	n.work.Go(func() {
		defer n.inflight.leave()
		f := n.raft.Apply(entry, enqueueTimeout)
		_ = f.Error() // returns when committed, when leadership is lost, or at shutdown
		done <- f
	})
	select {
	case f := <-done:
		if err := f.Error(); err != nil {
			return nil, n.outcomeOf(err)
		}
		if n.lease.await(ctx) != nil { // it is committed here, but perhaps in an epoch that is over
			return nil, status.Errorf(codes.DeadlineExceeded, "%s: cut off from all nodes that do not vote: a standby may have taken over, outcome unknown", n.cfg.Name)
		}
		out := f.Response().(*api.Applied)
		out.Node = n.cfg.Name
		return out, nil
	case <-ctx.Done():
		return nil, status.Errorf(codes.DeadlineExceeded, "%s: not committed in time, outcome unknown", n.cfg.Name)
	}
}

// outcomeOf separates the errors by which raft proves that a command was never appended
// from all others. Leadership lost while committing is no such proof: a majority may
// already hold the entry. Nor is a shutdown, which raft reports alike before and after.
func (n *Node) outcomeOf(err error) error {
	switch {
	case errors.Is(err, raft.ErrNotLeader), // this node no longer led when its loop took the command
		errors.Is(err, raft.ErrLeadershipTransferInProgress),
		errors.Is(err, raft.ErrEnqueueTimeout):
		return n.refuse(err.Error())
	}
	return status.Error(codes.Aborted, fmt.Sprintf("%s: %v, outcome unknown", n.cfg.Name, err))
}

func (n *Node) refuse(reason string) error {
	leader, _ := n.Leader()
	return api.Refuse(codes.Unavailable, n.cfg.Name, leader, reason)
}

// mutation reports whether a command changes users' data.
func mutation(c *api.Command) bool {
	switch c.Do.(type) {
	case *api.Command_Write, *api.Command_CompareAndSet, *api.Command_Add, *api.Command_OpenAccounts, *api.Command_Transfer:
		return true
	}
	return false
}

// startSpan starts the span of a command's way through the log, in the trace of the
// call that brought it; end finishes it.
func startSpan(ctx context.Context) (end func(*api.Applied, error)) {
	_, span := otel.Tracer("mcp/consensus").Start(ctx, "consensus.commit")
	return func(a *api.Applied, err error) {
		if err != nil {
			span.SetStatus(otelcodes.Error, err.Error())
		} else {
			span.SetAttributes(attribute.Int64("index", int64(a.Index)), attribute.Int64("term", int64(a.Term)))
		}
		span.End()
	}
}
