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
	"github.com/mcp-resilience/holdfast/mcp/snapshots"
	"github.com/mcp-resilience/holdfast/mcp/standby"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// restartError is the end of a life of a node whose process goes on with another: it
// has taken over, or another node has.
type restartError struct{ epoch standby.Epoch }

func (a restartError) Error() string { return fmt.Sprintf("generation %d begins", a.epoch.Number) }

// epochState is which life of the cluster the node belongs to, and what it takes
// from one to the next.
type epochState struct {
	epoch     standby.Epoch
	snapshots *snapshots.Schedule // nil without an object store
	raftLog   hclog.Logger
	stopFast  bool // users wait for the next life of this node
}

// hasStandbys says whether there are nodes that take over when the voters are gone.
func (c Config) hasStandbys() bool { return c.successor() != "" }

// successor is the node that takes over: of those that stand by, the first of the
// region with the most weight. Empty when all nodes are hot.
func (c Config) successor() string {
	var heir string
	for _, n := range c.names() {
		p := c.Peers[n]
		if p.Standby != nodespec.Hot && (heir == "" || c.Weights[p.Region] > c.Weights[c.Peers[heir].Region]) {
			heir = n
		}
	}
	return heir
}

// atEpoch is the settings as a generation has them. In the first one a cold node has
// no duties; in a later one the heir votes alone and all others learn.
func (c Config) atEpoch(g standby.Epoch) Config {
	was := c.Peers
	c.Peers, c.voters = map[string]Peer{}, nil
	for _, n := range slices.Sorted(maps.Keys(was)) {
		p := was[n]
		if g.Number == 0 && p.Standby == nodespec.Cold {
			p.Roles = nil
		}
		c.Peers[n] = p
		if votes := p.Has(nodespec.Control) && p.Standby == nodespec.Hot; (g.Number == 0 && votes) || n == g.Successor {
			c.voters = append(c.voters, n)
		}
	}
	return c
}

// logMembers are the nodes that hold the log in a generation.
func (c Config) logMembers() []string {
	return slices.DeleteFunc(c.names(), func(n string) bool { return len(c.Peers[n].Roles) == 0 })
}

// enterEpoch finds out to which generation this node belongs, and brings its data there.
func (n *node) enterEpoch(ctx context.Context, log *slog.Logger) error {
	dir := n.cfg.Data
	g, err := standby.Load(dir)
	if err != nil {
		return err
	}
	if n.cfg.hasStandbys() {
		if later := standby.Latest(ctx, n.others(), n.peers.To); later.Number > g.Number {
			g = later
		}
	}
	n.epoch, n.cfg = g, n.cfg.atEpoch(g)
	if g.Number > 0 && !g.Settled {
		if err := n.convertData(ctx, log); err != nil {
			return fmt.Errorf("begin generation %d: %w", g.Number, err)
		}
		n.epoch.Settled = true
		return n.epoch.Save(dir)
	}
	if n.cfg.Snapshots == "" || g.Number > 0 || !slices.Contains(n.cfg.voters, n.cfg.Name) {
		return nil
	}
	return n.restoreEmpty(ctx, log)
}

// convertData makes the node's data those of its generation.
func (n *node) convertData(ctx context.Context, log *slog.Logger) error {
	switch {
	case n.epoch.Successor != n.cfg.Name:
		log.Warn("dropping what this node holds: another node has taken over", "heir", n.epoch.Successor)
		return n.dropData()
	case n.cfg.Peers[n.cfg.Name].Standby == nodespec.Warm:
		return consensus.Recover(n.consensusConfig(nil))
	}
	if err := n.dropData(); err != nil {
		return err
	}
	return n.restore(ctx, log)
}

// dropData deletes what the node holds of the replicated log and of the journals.
func (n *node) dropData() error {
	return errors.Join(os.RemoveAll(filepath.Join(n.cfg.Data, "raft")), os.RemoveAll(filepath.Join(n.cfg.Data, "journals")))
}

// restoreEmpty fills an empty folder from the object store, if there is a snapshot.
// It does not ask whether others have a younger state, which consensus would bring:
// a snapshot is of what was committed, so it never harms to begin with it. Without it
// it may, for a node that finds another restored already would begin empty, and
// with one more like itself outvote that one.
func (n *node) restoreEmpty(ctx context.Context, log *slog.Logger) error {
	empty, err := consensus.Empty(filepath.Join(n.cfg.Data, "raft"))
	if err != nil || !empty {
		return err
	}
	if err := n.restore(ctx, log); !errors.Is(err, snapshots.ErrNoSnapshot) {
		return err
	}
	return nil
}

func (n *node) restore(ctx context.Context, log *slog.Logger) error {
	store, err := snapshots.Open(ctx, n.cfg.Snapshots)
	if err != nil {
		return err
	}
	defer store.Close()
	i, state, skipped, err := store.Latest(ctx)
	for _, s := range skipped {
		log.Error("a snapshot cannot be used", "error", s)
	}
	if err != nil {
		return err
	}
	if err := consensus.Restore(n.consensusConfig(nil), i.Index, i.Term, state); err != nil {
		return err
	}
	n.note(events.Restored, fmt.Sprintf("%s has the state of %s from the object store", n.cfg.Name, i.Taken.Format("15:04:05.000")), map[string]string{
		"index": fmt.Sprint(i.Index), "taken": i.Taken.Format("2006-01-02T15:04:05.000Z07:00"),
	})
	return nil
}

// awaitNextEpoch waits for the end of the generation; it returns nil when ctx ends first.
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
	g, ended := w.Next(ctx)
	if !ended {
		return nil
	}
	if g.Successor == n.cfg.Name {
		n.note(events.Takeover, n.cfg.Name+" takes over: every voter is lost", map[string]string{"generation": fmt.Sprint(g.Number)})
	}
	if err := g.Save(n.cfg.Data); err != nil {
		return err
	}
	return restartError{g}
}

// checkTakeoverData says what is missing for a takeover.
func (n *node) checkTakeoverData(ctx context.Context) error {
	if n.cfg.Peers[n.cfg.Name].Standby != nodespec.Cold {
		return nil
	}
	store, err := snapshots.Open(ctx, n.cfg.Snapshots)
	if err != nil {
		return err
	}
	defer store.Close()
	_, _, _, err = store.Latest(ctx)
	return err
}

// withEpochProtocol makes a TLS configuration agree only with nodes of this generation.
func (n *node) withEpochProtocol(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos = []string{n.epoch.Protocol()}
	return c
}

// listenForConsensus listens for consensus, which only nodes take part in.
func (n *node) listenForConsensus(network, addr string) (net.Listener, error) {
	ln, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	return trust.Listen(ln, n.withEpochProtocol(n.who.Peers())), nil
}

// others lists all nodes but this one.
func (n *node) others() []string {
	return slices.DeleteFunc(n.cfg.names(), func(name string) bool { return name == n.cfg.Name })
}
