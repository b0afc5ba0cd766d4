package bus

import (
	"context"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Defects are faults that a node is started with on purpose, so that whoever tests
// the platform can check that the test notices. A sound node has none.
type Defects struct {
	// AckEarly acknowledges a message before any server has stored it.
	AckEarly bool
}

// hooks are the only points at which a defect acts in place of what a sound server
// does. None is nil: production code calls them and knows of no defect.
type hooks struct {
	// storedSubject is the subject of the messages that a stream stores.
	storedSubject func(stream string) string
	// publishSubject is the subject for which the server checks a user's permission to
	// publish to a stream. The check comes after the server's own subject mappings.
	publishSubject func(stream string) string
	// streamsCreated is called once, when all streams exist.
	streamsCreated func(ctx context.Context, srv *server.Server, js jetstream.JetStream) error
}

func newHooks(b *Bus) *hooks {
	h := &hooks{
		storedSubject:  api.Subject,
		publishSubject: api.Subject,
		streamsCreated: func(context.Context, *server.Server, jetstream.JetStream) error { return nil },
	}
	if b.cfg.Defects.AckEarly {
		(&earlyAck{b}).install(h)
	}
	return h
}
