package node

import (
	"context"
	"path/filepath"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/identity"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// requiredKind lists the services that are not for every user, with the kind of caller
// that may use them: nodes among each other, and operators to change members.
var requiredKind = map[string]trust.Kind{
	"mcp.v1.Peer": trust.Node, "mcp.v1.Standby": trust.Node, "mcp.v1.Journals": trust.Node, "mcp.v1.Telemetry": trust.Node,
	"mcp.v1.Witness": trust.Node, "mcp.v1.Reconfiguration": trust.Node,
	"mcp.v1.Admin": trust.Operator,
}

// setUpIdentity makes the node able to identify its callers, and to issue tokens if that is
// its role. The signer it returns is to be run with the node; nil without that role.
func (n *node) setUpIdentity() (*identity.Signer, error) {
	state := n.consensus.Committed()
	timing := n.cfg.Profile.Tokens
	n.identity = &identity.Service{
		Node: n.cfg.Name, Verifier: &identity.Verifier{Ledger: state}, Timing: timing, Commit: n.gateway.Submit,
		Told: func(says string, fields map[string]string) { n.note(events.Revoked, says, fields) },
	}
	n.guard = &identity.Guard{Node: n.cfg.Name, Only: requiredKind, Verify: n.defects.verifyToken(n.identity.Verifier.Verify)}
	if !n.cfg.has(nodespec.Identity) {
		return nil, nil
	}
	n.identity.Signer = &identity.Signer{
		Node: n.cfg.Name, Dir: filepath.Join(n.cfg.Data, "identity"), Ledger: state, Timing: timing, Commit: n.gateway.Submit,
		Told: func(says string, fields map[string]string) { n.note(events.SigningKey, says, fields) },
	}
	return n.identity.Signer, n.identity.Signer.Open()
}

// userOf returns the name by which a caller's calls are counted, "" for nodes and operators.
func userOf(ctx context.Context) string {
	p, ok := identity.Of(ctx)
	if !ok || p.Kind != trust.Client {
		return ""
	}
	return p.Name
}
