package node

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/bus"
	"github.com/mcp-resilience/holdfast/mcp/names"
)

// busConfig is the configuration of this node's message server.
func (n *node) busConfig(resolver names.Resolver, log *slog.Logger) bus.Config {
	peers := map[string]string{}
	for _, p := range n.cfg.with(nodespec.Bus) {
		peers[p] = n.cfg.Peers[p].Region
	}
	return bus.Config{
		Name: n.cfg.Name, Region: n.cfg.Region, Host: n.cfg.Host, Dir: filepath.Join(n.cfg.Data, "bus"),
		Peers: peers, Who: n.who, Verify: n.verifyToken, Lookup: resolver.Lookup, State: n.consensus.Committed(), Once: n.gateway.SubmitOnce,
		Note: n.note, Log: log, AckEarly: slices.Contains(n.cfg.Defects, nodespec.BusAckEarly),
	}
}

func (n *node) startBus(resolver names.Resolver, log *slog.Logger) (stopFunc, error) {
	if !n.cfg.has(nodespec.Bus) {
		return nil, nil
	}
	n.bus = bus.Start(n.busConfig(resolver, log))
	return n.bus.Close, nil
}

// verifyToken verifies the token of a user of the bus.
func (n *node) verifyToken(token string) error {
	_, err := n.guard.Verify(context.Background(), token)
	return err
}
