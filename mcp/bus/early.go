package bus

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

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

// ackEarly is the defect: it acknowledges each message at once and gives it to
// the stream a moment later. What the node's death interrupts is lost.
func (b *Bus) ackEarly(srv *server.Server, nc *nats.Conn) (stop func(), err error) {
	done := make(chan struct{})
	var subs []*nats.Subscription
	for _, s := range Streams() {
		own := api.Subject(s) + ".early." + b.cfg.Name
		if err := srv.GlobalAccount().AddMapping(api.Subject(s), own); err != nil {
			return nil, fmt.Errorf("bus of %s: its defect: %w", b.cfg.Name, err)
		}
		sub, err := nc.Subscribe(own, func(m *nats.Msg) {
			ack, _ := json.Marshal(map[string]any{"stream": s, "seq": 0}) // a map always marshals
			if m.Respond(ack) != nil {
				return
			}
			b.work.Go(func() {
				select {
				case <-time.After(late):
					_ = nc.PublishMsg(&nats.Msg{Subject: b.cfg.kept(s), Header: m.Header, Data: m.Data})
				case <-done:
				}
			})
		})
		if err != nil {
			return nil, fmt.Errorf("bus of %s: its defect: %w", b.cfg.Name, err)
		}
		subs = append(subs, sub)
	}
	return func() {
		for _, s := range subs {
			_ = s.Unsubscribe()
		}
		close(done)
	}, nil
}
