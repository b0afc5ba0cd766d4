package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/go-hclog"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/consensus"
	"github.com/mcp-resilience/holdfast/mcp/pki"
	"github.com/mcp-resilience/holdfast/mcp/snapshots"
	"github.com/mcp-resilience/holdfast/mcp/standby"
)

// restartError ends Run when the process is to start again in another epoch, because this
// node or another one has taken over.
type restartError struct{ epoch standby.Epoch }

func (e restartError) Error() string {
	return fmt.Sprintf("restarting in epoch %d of the cluster", e.epoch.Number)
}

// epochState is the epoch of the cluster that the node is in, and what depends on it.
type epochState struct {
	epoch     standby.Epoch
	snapshots *snapshots.Schedule // nil without an object store
	raftLog   hclog.Logger
	stopFast  bool // do not wait for calls under way, because users wait for the node in its next epoch
}

// hasStandbys reports whether there are nodes that take over when the voters are dead.
func (c Config) hasStandbys() bool { return c.successor() != "" }

// successor is the node that takes over: of the standbys in the region with the highest
// weight, the first by name. It is "" when all nodes are hot.
func (c Config) successor() string {
	var best string
	for _, n := range c.names() {
		p := c.Peers[n]
		if p.Standby != nodespec.Hot && (best == "" || c.Weights[p.Region] > c.Weights[c.Peers[best].Region]) {
			best = n
		}
	}
	return best
}

// atEpoch is the configuration as it is in an epoch. In the first one cold nodes have no
// roles; in a later one the successor is the only voter and all others are learners.
func (c Config) atEpoch(e standby.Epoch) Config {
	was := c.Peers
	c.Peers, c.voters = map[string]Peer{}, nil
	for _, n := range slices.Sorted(maps.Keys(was)) {
		p := was[n]
		if e.Number == 0 && p.Standby == nodespec.Cold {
			p.Roles = nil
		}
		c.Peers[n] = p
		if votes := p.Has(nodespec.Control) && p.Standby == nodespec.Hot; (e.Number == 0 && votes) || n == e.Successor {
			c.voters = append(c.voters, n)
		}
	}
	return c
}

// logMembers are the nodes that hold the replicated log.
func (c Config) logMembers() []string {
	return slices.DeleteFunc(c.names(), func(n string) bool { return len(c.Peers[n].Roles) == 0 })
}

// enterEpoch finds out which epoch the cluster is in, and converts this node's data to it.
func (n *node) enterEpoch(ctx context.Context, log *slog.Logger) error {
	dir := n.cfg.Data
	e, err := standby.Load(dir)
	if err != nil {
		return err
	}
	if n.cfg.hasStandbys() {
		if later := standby.Latest(ctx, n.others(), n.peers.To); later.Number > e.Number {
			e = later
		}
	}
	n.epoch, n.cfg = e, n.cfg.atEpoch(e)
	if e.Number > 0 && !e.Converted {
		if err := n.convertData(ctx, log); err != nil {
			return fmt.Errorf("enter epoch %d: %w", e.Number, err)
		}
		n.epoch.Converted = true
		return n.epoch.Save(dir)
	}
	if n.cfg.Snapshots == "" || e.Number > 0 || !slices.Contains(n.cfg.voters, n.cfg.Name) {
		return nil
	}
	return n.restoreEmpty(ctx, log)
}

// convertData converts the node's data to its epoch.
func (n *node) convertData(ctx context.Context, log *slog.Logger) error {
	switch {
	case n.epoch.Successor != n.cfg.Name:
		log.Warn("deleting this node's copy of the log: another node has taken over", "successor", n.epoch.Successor)
		return n.dropData()
	case n.cfg.Peers[n.cfg.Name].Standby == nodespec.Warm:
		return consensus.Recover(n.consensusConfig(nil))
	}
	if err := n.dropData(); err != nil {
		return err
	}
	return n.restore(ctx, log)
}

// dropData deletes the node's copies of the replicated log and of the journals.
func (n *node) dropData() error {
	return errors.Join(os.RemoveAll(filepath.Join(n.cfg.Data, "raft")), os.RemoveAll(filepath.Join(n.cfg.Data, "journals")))
}

// awaitNextEpoch waits for the next epoch. It returns a restartError when there is one, and
// nil when ctx ends first.
func (n *node) awaitNextEpoch(ctx context.Context) error {
	if !n.cfg.hasStandbys() {
		<-ctx.Done()
		return nil
	}
	w := standby.Watcher{
		Self: n.cfg.Name, Present: n.epoch, Voters: n.cfg.voters, Successor: n.cfg.successor(), Others: n.others(),
		Suspicions: n.prober.Suspicions, To: n.peers.To, AnswerTimeout: n.cfg.Profile.Probes.Timeout, ExtendLease: n.consensus.ExtendLease,
		Ready: n.checkTakeoverData,
	}
	e, ended := w.Next(ctx)
	if !ended {
		return nil
	}
	if e.Successor == n.cfg.Name {
		n.note(events.Takeover, n.cfg.Name+" takes over: every voter is dead", map[string]string{"epoch": fmt.Sprint(e.Number)})
	}
	if err := e.Save(n.cfg.Data); err != nil {
		return err
	}
	return restartError{e}
}

// withEpochProtocol makes a TLS configuration that connects only to nodes of this epoch.
func (n *node) withEpochProtocol(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos = []string{n.epoch.Protocol()}
	return c
}

// listenForConsensus listens for consensus, and accepts only nodes.
func (n *node) listenForConsensus(network, addr string) (net.Listener, error) {
	ln, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	return pki.Listen(ln, n.withEpochProtocol(n.who.PeerServerConfig())), nil
}

// others returns all nodes but this one.
func (n *node) others() []string {
	return slices.DeleteFunc(n.cfg.names(), func(name string) bool { return name == n.cfg.Name })
}
