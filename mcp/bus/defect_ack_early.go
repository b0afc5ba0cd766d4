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

// ackEarlyDelay is how long the defect withholds a message from its stream.
const ackEarlyDelay = 250 * time.Millisecond

// earlyAck is the defect bus-ack-early: it acknowledges each message at once, and publishes
// it to the stream a moment later. The messages that it withholds when the node dies are
// lost, and no others. The server maps the subject that users publish to to one on which
// only the defect listens, and the stream stores a third subject.
type earlyAck struct{ bus *Bus }

func (e *earlyAck) install(h *hooks) {
	h.storedSubject, h.publishSubject, h.streamsCreated = e.storedSubject, e.interceptSubject, e.intercept
}

func (e *earlyAck) storedSubject(stream string) string { return api.Subject(stream) + ".late" }

// interceptSubject is the subject on which the defect of this server listens.
func (e *earlyAck) interceptSubject(stream string) string {
	return api.Subject(stream) + ".early." + e.bus.cfg.Name
}

// intercept makes users' messages come to the defect, until ctx ends.
func (e *earlyAck) intercept(ctx context.Context, srv *server.Server, js jetstream.JetStream) error {
	for _, s := range Streams() {
		intercepted := e.interceptSubject(s)
		if _, err := js.Conn().Subscribe(intercepted, func(m *nats.Msg) {
			ack, _ := json.Marshal(map[string]any{"stream": s, "seq": 0}) // a map always marshals
			if m.Respond(ack) == nil {
				e.bus.work.Go(func() {
					e.publishAfterDelay(ctx, js, &nats.Msg{Subject: e.storedSubject(s), Header: m.Header, Data: m.Data})
				})
			}
		}); err != nil {
			return fmt.Errorf("bus of %s: start the defect bus-ack-early: %w", e.bus.cfg.Name, err)
		}
		// The mapping comes last, so that no message is mapped to a subject on which nobody
		// listens. Until now publishers were told that no stream takes their messages.
		if err := srv.GlobalAccount().AddMapping(api.Subject(s), intercepted); err != nil {
			return fmt.Errorf("bus of %s: start the defect bus-ack-early: %w", e.bus.cfg.Name, err)
		}
	}
	return nil
}

// publishAfterDelay publishes a message after a delay, again and again until that succeeds. The
// message has an id, so the stream stores it once.
func (e *earlyAck) publishAfterDelay(ctx context.Context, js jetstream.JetStream, m *nats.Msg) {
	for {
		select {
		case <-time.After(ackEarlyDelay):
		case <-ctx.Done():
			return
		}
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		_, err := js.PublishMsg(limited, m)
		cancel()
		if err == nil {
			return
		}
		e.bus.cfg.Log.Warn("an acknowledged message is not in its stream yet", "id", m.Header.Get(nats.MsgIdHdr), "error", err)
	}
}
