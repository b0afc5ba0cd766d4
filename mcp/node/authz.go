package node

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/identity"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// readSecret reads the platform's secret from a file or, without one, from the environment.
func readSecret(file string) (string, error) {
	secret, from := os.Getenv(nodespec.SecretEnv), nodespec.SecretEnv
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read the platform's secret: %w", err)
		}
		secret, from = string(b), file
	}
	secret = strings.TrimSpace(secret)
	if secret == "" {
		return "", fmt.Errorf("no secret: put the platform's, the same for every node, into the environment as %s or into the file that --secret-file names", nodespec.SecretEnv)
	}
	if len(secret) < trust.MinSecret {
		return "", fmt.Errorf("the secret in %s has %d characters: take at least %d random ones", from, len(secret), trust.MinSecret)
	}
	return secret, nil
}

// requiredKind are the services that are not for every user: those that nodes offer to
// each other, and that by which operators change who belongs to the platform.
var requiredKind = map[string]trust.Kind{
	"mcp.v1.Peer": trust.Node, "mcp.v1.Standby": trust.Node, "mcp.v1.Journals": trust.Node, "mcp.v1.Telemetry": trust.Node,
	"mcp.v1.Witness": trust.Node, "mcp.v1.Reconfiguration": trust.Node,
	"mcp.v1.Admin": trust.Operator,
}

// parseTokens reads LIFE/REFRESH/ROTATION; a session lasts as long as before, or 60 lives if that is longer.
func parseTokens(s string, t identity.Timing) (identity.Timing, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		return t, fmt.Errorf("--tokens: %q is not LIFE/REFRESH/ROTATION", s)
	}
	for i, to := range []*time.Duration{&t.Life, &t.Refresh, &t.Rotate} {
		d, err := time.ParseDuration(parts[i])
		if err != nil || d < time.Second {
			return t, fmt.Errorf("--tokens: %q is not a duration of a second or more", parts[i])
		}
		*to = d
	}
	if t.Refresh >= t.Life {
		return t, fmt.Errorf("--tokens: a token that lives %v must be refreshed before that, not after %v", t.Life, t.Refresh)
	}
	t.Session = max(t.Session, 60*t.Life)
	return t, nil
}
