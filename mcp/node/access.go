package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/mcp-resilience/holdfast/mcp/identity"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// SecretEnv is the environment variable that holds the platform's secret.
const SecretEnv = "MCP_SECRET"

// readSecret reads the platform's secret from a file or, without one, from the environment.
func readSecret(file string) (string, error) {
	secret, from := os.Getenv(SecretEnv), SecretEnv
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read the platform's secret: %w", err)
		}
		secret, from = string(b), file
	}
	secret = strings.TrimSpace(secret)
	if secret == "" {
		return "", fmt.Errorf("no secret: put the platform's, the same for every node, into the environment as %s or into the file that --secret-file names", SecretEnv)
	}
	if len(secret) < trust.MinSecret {
		return "", fmt.Errorf("the secret in %s has %d characters: take at least %d random ones", from, len(secret), trust.MinSecret)
	}
	return secret, nil
}

// peersOnly are the services that nodes offer to each other and to nobody else.
var peersOnly = []string{"mcp.v1.Peer", "mcp.v1.Telemetry", "mcp.v1.Witness", "mcp.v1.Electorate"}

func (n *node) newGuard() *identity.Guard {
	return &identity.Guard{
		Node: n.cfg.Name, PeersOnly: peersOnly,
		Verify: func(context.Context, string) (identity.Principal, error) {
			return identity.Principal{}, errors.New("tokens are not known here")
		},
	}
}

// listenToPeers listens for consensus, which only nodes take part in.
func (n *node) listenToPeers(network, addr string) (net.Listener, error) {
	ln, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	return trust.Listen(ln, n.who.Peers()), nil
}
