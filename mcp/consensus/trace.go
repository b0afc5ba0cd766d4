package consensus

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// traced begins the span of a command's way through the log, in the trace of
// the call that brought it; end finishes it.
func traced(ctx context.Context) (end func(*api.Applied, error)) {
	_, span := otel.Tracer("mcp/consensus").Start(ctx, "consensus.commit")
	return func(a *api.Applied, err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		} else {
			span.SetAttributes(attribute.Int64("index", int64(a.Index)), attribute.Int64("term", int64(a.Term)))
		}
		span.End()
	}
}
