package consensus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// enqueue is how long a command may wait to be taken up by the leader's loop.
const enqueue = 500 * time.Millisecond

// Propose commits a command through this node, which must lead, and returns
// what it did. An error that is api.Refused proves that the command was never
// in any log; after any other it may still be applied.
func (n *Node) Propose(ctx context.Context, c *api.Command) (out *api.Applied, err error) {
	end := traced(ctx)
	defer func() { end(out, err) }()
	if out, instead, err := n.defects.propose(c); instead {
		return out, err
	}
	if n.raft.State() != raft.Leader {
		return nil, n.refuse("not the leader")
	}
	if n.fence.up() {
		return nil, n.refuse("cut off from all other nodes: a standby may have taken over")
	}
	entry, err := proto.Marshal(c)
	if err != nil {
		return nil, n.refuse(err.Error())
	}
	if !n.gate.enter() {
		return nil, n.refuse("leadership is being handed over")
	}
	done := make(chan raft.ApplyFuture, 1)
	n.work.Go(func() {
		defer n.gate.leave()
		f := n.raft.Apply(entry, enqueue)
		_ = f.Error() // returns when committed, when leadership is lost, or at shutdown
		done <- f
	})
	select {
	case f := <-done:
		if err := f.Error(); err != nil {
			return nil, n.classify(err)
		}
		if n.fence.down(ctx) != nil { // it is committed here, but maybe in a generation that is over
			return nil, status.Errorf(codes.DeadlineExceeded, "%s: cut off from all other nodes: a standby may have taken over, outcome unknown", n.cfg.Name)
		}
		out := f.Response().(*api.Applied)
		out.Node = n.cfg.Name
		return out, nil
	case <-ctx.Done():
		return nil, status.Errorf(codes.DeadlineExceeded, "%s: not committed in time, outcome unknown", n.cfg.Name)
	}
}

// classify tells what raft proves to have never been appended from the rest.
// Leadership lost while committing is not such a proof: a majority may already
// hold the entry. Nor is a shutdown, which raft reports alike before and after.
func (n *Node) classify(err error) error {
	switch {
	case errors.Is(err, raft.ErrNotLeader), // taken up by a node that no longer led
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

// mutation says whether a command changes users' data.
func mutation(c *api.Command) bool {
	switch c.Do.(type) {
	case *api.Command_Write, *api.Command_CompareAndSet, *api.Command_Add, *api.Command_OpenAccounts, *api.Command_Transfer:
		return true
	}
	return false
}
