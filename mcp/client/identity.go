package client

import "github.com/mcp-resilience/holdfast/mcp/trust"

// Identity is who a caller of the platform is: its certificate, and the authority
// that the nodes' certificates are checked against.
type Identity = trust.Identity

// NewIdentity makes the identity of a client from the platform's secret.
func NewIdentity(secret, name string) (*Identity, error) {
	return trust.New(secret, name, trust.Client)
}

// NewOperatorIdentity makes the identity of an operator, who may add and remove
// nodes, from the platform's secret.
func NewOperatorIdentity(secret, name string) (*Identity, error) {
	return trust.New(secret, name, trust.Operator)
}
