package primarybackup

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// startSpan begins the span of an append, from the call until it is committed, in the
// trace of the call. end finishes the span.
func startSpan(ctx context.Context, c api.Class) (end func(*api.Appended, error)) {
	_, span := otel.Tracer("mcp/primarybackup").Start(ctx, "journal.append")
	span.SetAttributes(attribute.String("class", name(c)))
	return func(a *api.Appended, err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		} else {
			span.SetAttributes(attribute.Int64("index", int64(a.Position.Index)), attribute.Int64("epoch", int64(a.Position.Epoch)))
		}
		span.End()
	}
}

// Status is the status of this node's copy of a journal.
type Status struct {
	Epoch    uint64 // of the primary that this copy replicates
	Last     uint64 // index of the last record
	Synced   uint64 // index up to which all records are known to be on disk
	Primary  bool   // whether this node is the primary
	Commit   uint64 // index up to which the primary has acknowledged; 0 on a replica
	Replicas int    // how many replicas are connected to the primary; 0 on a replica
}

// Statuses returns the status of each class's journal, by the class's name.
func (n *Replica) Statuses() map[string]Status {
	out := map[string]Status{}
	for c, j := range n.journals {
		out[name(c)] = j.status()
	}
	return out
}

func (j *Journal) status() Status {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := Status{Epoch: j.matched.Epoch, Last: j.file.Last().Index, Synced: j.file.Synced()}
	if term := j.term; term != nil {
		s.Primary, s.Commit, s.Replicas = true, term.commit, len(term.replicas)
	}
	return s
}
