package consensus

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Member is a node of the cluster, to which the log is sent.
type Member struct {
	Name  string
	Voter bool
}

// Members lists the members of the cluster as far as this node knows, sorted by name. A
// node that was removed may know an earlier list than the others.
func (n *Node) Members() []Member {
	var out []Member
	for _, s := range n.servers().Servers {
		out = append(out, Member{Name: string(s.ID), Voter: s.Suffrage == raft.Voter})
	}
	slices.SortFunc(out, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (n *Node) servers() raft.Configuration { return n.raft.GetConfiguration().Configuration() }

// AddLearner makes the leader send the log to a node that has no vote. Addr is its logical
// raft address. An error that is api.Refused proves that nothing was changed.
func (n *Node) AddLearner(name, addr string) error {
	return n.reconfigure("add "+name, n.raft.AddNonvoter(raft.ServerID(name), raft.ServerAddress(addr), 0, enqueueTimeout))
}

// PromoteVoter gives a learner its vote; errors as in AddLearner.
func (n *Node) PromoteVoter(name string) error {
	return n.reconfigure("promote "+name+" to voter", n.raft.AddVoter(raft.ServerID(name), n.address(name), 0, enqueueTimeout))
}

// Remove removes a member and its vote; errors as in AddLearner.
func (n *Node) Remove(name string) error {
	return n.reconfigure("remove "+name, n.raft.RemoveServer(raft.ServerID(name), 0, enqueueTimeout))
}

// reconfigure waits until a change is committed by the majority that it creates.
func (n *Node) reconfigure(what string, f raft.IndexFuture) error {
	err := f.Error()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress), errors.Is(err, raft.ErrEnqueueTimeout):
		return n.refuse(what + ": " + err.Error())
	}
	return status.Error(codes.Aborted, fmt.Sprintf("%s: %s: %v, outcome unknown", n.cfg.Name, what, err))
}

// Position returns the last log index that is committed and the last that is applied,
// as far as this node knows.
func (n *Node) Position() (committed, applied uint64) {
	applied, _ = n.state.Applied()
	return n.raft.CommitIndex(), applied
}

// address returns the logical raft address of a member.
func (n *Node) address(name string) raft.ServerAddress {
	for _, s := range n.servers().Servers {
		if string(s.ID) == name {
			return s.Address
		}
	}
	return raft.ServerAddress(n.cfg.Peers[name])
}
