package journal

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// traced begins the span of an entry's way into the journal and to the copies
// that its class waits for, in the trace of the call that brought it; end finishes it.
func traced(ctx context.Context, c api.Class) (end func(*api.Appended, error)) {
	_, span := otel.Tracer("mcp/journal").Start(ctx, "journal.append")
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

// Standing is how a journal stands at this node.
type Standing struct {
	Epoch    uint64 // of the primary that this copy agrees with
	Last     uint64 // record written
	Synced   uint64 // record that is on disk for sure
	Primary  bool
	Commit   uint64 // record up to which the primary has acknowledged; 0 elsewhere
	Replicas int    // copies that are connected to the primary; 0 elsewhere
}

// Standings tells how each class's journal stands, by the class's name.
func (k *Keeper) Standings() map[string]Standing {
	out := map[string]Standing{}
	for c, j := range k.journals {
		out[name(c)] = j.standing()
	}
	return out
}

func (j *Journal) standing() Standing {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := Standing{Epoch: j.agreed.Epoch, Last: j.file.Last().Index, Synced: j.file.Synced()}
	if o := j.office; o != nil {
		s.Primary, s.Commit, s.Replicas = true, o.commit, len(o.ships)
	}
	return s
}
