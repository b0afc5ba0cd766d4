package node

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// refuseWithoutLeader is the defect edge-blind: a node that knows no leader refuses
// every call of a user, even one that it could answer from its own state.
func (n *node) refuseWithoutLeader(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	service, _, _ := strings.Cut(strings.TrimPrefix(info.FullMethod, "/"), "/")
	ours := strings.HasPrefix(service, "mcp.") && requiredKind[service] != pki.Node
	if leader, _ := n.consensus.Leader(); leader == "" && ours {
		return nil, api.Refuse(codes.Unavailable, n.cfg.Name, "", "no leader known, so nothing is served")
	}
	return next(ctx, req)
}
