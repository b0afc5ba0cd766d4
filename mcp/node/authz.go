package node

import (
	"context"
	"path/filepath"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/identity"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// requiredKind lists the services that are not for every user, with the kind of caller
// that may use them: nodes among each other, and operators to change members.
var requiredKind = map[string]pki.Kind{
	"mcp.v1.Peer": pki.Node, "mcp.v1.Standby": pki.Node, "mcp.v1.Journals": pki.Node, "mcp.v1.Telemetry": pki.Node,
	"mcp.v1.Witness": pki.Node, "mcp.v1.Reconfiguration": pki.Node,
	"mcp.v1.Admin": pki.Operator,
}

// setUpIdentity makes the node able to identify its callers, and to issue tokens if that is
// its role. The signer it returns is to be run with the node; nil without that role.
func (n *node) setUpIdentity() (*identity.Signer, error) {
	state := n.consensus.Committed()
	timing := n.cfg.Profile.Tokens
	n.identity = &identity.Service{
		Node: n.cfg.Name, Verifier: &identity.Verifier{Keys: state}, Timing: timing, Commit: n.gateway.Submit,
		Emit: func(says string, fields map[string]string) { n.note(events.Revoked, says, fields) },
	}
	n.guard = &identity.Guard{Node: n.cfg.Name, RestrictedTo: requiredKind, Verify: n.defects.verifyToken(n.identity.Verifier.Verify)}
	if !n.cfg.has(nodespec.Identity) {
		return nil, nil
	}
	n.identity.Signer = &identity.Signer{
		Node: n.cfg.Name, Dir: filepath.Join(n.cfg.Data, "identity"), Keys: state, Timing: timing, Commit: n.gateway.Submit,
		Emit: func(says string, fields map[string]string) { n.note(events.SigningKey, says, fields) },
	}
	return n.identity.Signer, n.identity.Signer.Open()
}

// userOf returns the name by which a caller's calls are counted, "" for nodes and operators.
func userOf(ctx context.Context) string {
	p, ok := identity.FromContext(ctx)
	if !ok || p.Kind != pki.Client {
		return ""
	}
	return p.Name
}
