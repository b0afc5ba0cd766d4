package node

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// blind is the defect edge-blind: a node that knows no leader refuses whatever
// users ask, also what it could answer.
func (n *node) blind(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	service, _, _ := strings.Cut(strings.TrimPrefix(info.FullMethod, "/"), "/")
	ours := strings.HasPrefix(service, "mcp.") && !slices.Contains(peersOnly, service)
	if leader, _ := n.consensus.Leader(); leader == "" && ours && slices.Contains(n.cfg.Defects, EdgeBlind) {
		return nil, api.Refuse(codes.Unavailable, n.cfg.Name, "", "no leader known, so nothing is served")
	}
	return next(ctx, req)
}
