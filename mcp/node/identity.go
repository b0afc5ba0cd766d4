package node

import (
	"path/filepath"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/identity"
)

// setUpIdentity makes the node able to tell who calls, and to issue tokens if that
// is its role; what it returns runs with the node, nil if nothing has to.
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
