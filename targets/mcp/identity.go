package mcp

import (
	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// identity is who one of the run's users is.
func identity(c *cluster.Cluster, name string) (*trust.Identity, error) {
	return trust.New(c.Secret, name, trust.Client)
}
