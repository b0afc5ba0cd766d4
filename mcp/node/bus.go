package node

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/bus"
	"github.com/mcp-resilience/holdfast/mcp/resolver"
)

// busConfig is the configuration of this node's message server.
func (n *node) busConfig(names resolver.Resolver, log *slog.Logger) bus.Config {
	peers := map[string]string{}
	for _, p := range n.cfg.with(nodespec.Bus) {
		peers[p] = n.cfg.Peers[p].Region
	}
	return bus.Config{
		Name: n.cfg.Name, Region: n.cfg.Region, Host: n.cfg.Host, Dir: filepath.Join(n.cfg.Data, "bus"),
		Peers: peers, Identity: n.who, VerifyToken: n.verifyToken, Lookup: names.Lookup, State: n.consensus.Committed(), Commit: n.gateway.SubmitOnce,
		Emit: n.note, Log: log, Defects: bus.Defects{AckEarly: n.cfg.defective(nodespec.BusAckEarly)},
	}
}

func (n *node) startBus(names resolver.Resolver, log *slog.Logger) (stopFunc, error) {
	if !n.cfg.has(nodespec.Bus) {
		return nil, nil
	}
	n.bus = bus.Start(n.busConfig(names, log))
	return n.bus.Close, nil
}

// verifyToken verifies the token of a user of the bus.
func (n *node) verifyToken(token string) error {
	_, err := n.guard.Verify(context.Background(), token)
	return err
}
