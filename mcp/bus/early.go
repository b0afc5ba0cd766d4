package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// late is how long the defect keeps a message to itself.
const late = 250 * time.Millisecond

// kept is the subject that a stream keeps. With the defect it is not the one
// that users publish to: that is mapped to one of this server's own, where the
// defect listens.
func (c Config) kept(stream string) string {
	if c.AckEarly {
		return api.Subject(stream) + ".late"
	}
	return api.Subject(stream)
}

// early is the subject where the defect listens.
func (c Config) early(stream string) string { return api.Subject(stream) + ".early." + c.Name }

// ackEarly is the defect: it acknowledges each message at once and gives it to
// the stream a moment later, until the stream has it. What the node's death
// interrupts is lost, and nothing else is. It starts when the streams are there
// and lasts until ctx ends.
func (b *Bus) ackEarly(ctx context.Context, srv *server.Server, js jetstream.JetStream) error {
	for _, s := range Streams() {
		own := b.cfg.early(s)
		if _, err := js.Conn().Subscribe(own, func(m *nats.Msg) {
			ack, _ := json.Marshal(map[string]any{"stream": s, "seq": 0}) // a map always marshals
			if m.Respond(ack) == nil {
				b.work.Go(func() { b.deliver(ctx, js, &nats.Msg{Subject: b.cfg.kept(s), Header: m.Header, Data: m.Data}) })
			}
		}); err != nil {
			return fmt.Errorf("bus of %s: its defect: %w", b.cfg.Name, err)
		}
		// Last, so that nothing goes where nobody listens yet. Until now
		// publishers have been told that nobody takes their messages.
		if err := srv.GlobalAccount().AddMapping(api.Subject(s), own); err != nil {
			return fmt.Errorf("bus of %s: its defect: %w", b.cfg.Name, err)
		}
	}
	return nil
}

// deliver gives a message to its stream, late. The message has an id, so that
// the stream keeps it once however often this is tried.
func (b *Bus) deliver(ctx context.Context, js jetstream.JetStream, m *nats.Msg) {
	for {
		select {
		case <-time.After(late):
		case <-ctx.Done():
			return
		}
		limited, cancel := context.WithTimeout(ctx, askLimit)
		_, err := js.PublishMsg(limited, m)
		cancel()
		if err == nil {
			return
		}
		b.cfg.Log.Warn("a message that is acknowledged is not in its stream yet", "id", m.Header.Get(nats.MsgIdHdr), "error", err)
	}
}
