package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Message is one message of a stream.
type Message struct {
	Sequence uint64 // in the stream; 1, 2, …
	Data     string
	ack      string // the subject on which it is acknowledged
}

// Consumer is a durable consumer of a stream: the servers that hold the stream remember
// its position under its name. Messages that are fetched and not acknowledged are
// redelivered. Messages are handed over in the stream's order: one is held back while an
// earlier one is missing.
type Consumer struct {
	bus          *Bus
	stream, name string
	busy         chan struct{} // holds one element while a call is under way, so that calls do not overlap

	registered bool // the bus knows the consumer
	buffer     reorderBuffer
}

// maxAckPending is how many messages the bus delivers before it waits for an acknowledgement.
const maxAckPending = 4096

// ackWait is how long a message may be unacknowledged before it is redelivered.
const ackWait = 3 * time.Second

// fetchWait is how long the bus waits for more messages if it has fewer than requested.
const fetchWait = 50 * time.Millisecond

// Consumer returns the consumer with a name. Two with the same name at the same time
// would each get a part of the messages.
func (b *Bus) Consumer(stream, name string) *Consumer {
	return &Consumer{bus: b, stream: stream, name: name, busy: make(chan struct{}, 1), buffer: newReorderBuffer()}
}

// Consume calls handle with the next messages in order, at most maxMessages, and then
// acknowledges them. It is no error if there are none. An error that is NoEffect proves
// that none was handled. After any other error the handled ones may be redelivered.
func (c *Consumer) Consume(ctx context.Context, maxMessages int, handle func(Message)) error {
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	case <-ctx.Done():
		return &Error{Op: c.op("fetch"), NoEffect: true, Err: ctx.Err()}
	}
	messages, err := c.fetch(ctx, maxMessages)
	if err != nil || len(messages) == 0 {
		return err
	}
	for _, m := range messages {
		handle(m)
	}
	return c.acknowledge(ctx, messages[len(messages)-1])
}

// fetch returns the next messages. If it fails, only the bus is affected.
func (c *Consumer) fetch(ctx context.Context, maxMessages int) (out []Message, err error) {
	err = c.bus.call(ctx, c.op("fetch"), func(ctx context.Context, g *serverConn) error {
		if !c.registered {
			if err := c.register(ctx, g.js); err != nil {
				return err
			}
		}
		if !c.buffer.ready() {
			received, err := c.fetchBatch(ctx, g.conn, maxMessages)
			if c.buffer.add(received); err != nil {
				return err
			}
			c.reacknowledge(g.conn, received)
		}
		if c.buffer.hasGap() {
			if err := c.syncPosition(ctx, g.js); err != nil {
				return err
			}
		}
		out = c.buffer.next(maxMessages)
		return nil
	})
	var e *Error
	if errors.As(err, &e) {
		e.NoEffect = true
	}
	return out, err
}

// acknowledge acknowledges a message and all before it. If it returns no error, a
// majority of the servers has recorded that.
func (c *Consumer) acknowledge(ctx context.Context, m Message) error {
	err := c.bus.call(ctx, c.op("acknowledge"), func(ctx context.Context, g *serverConn) error {
		_, err := g.conn.RequestWithContext(ctx, m.ack, []byte("+ACK"))
		return err
	})
	if err == nil {
		c.buffer.acknowledge(m.Sequence)
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		e.NoEffect = false // the messages have been handled
	}
	return err
}

func (c *Consumer) op(verb string) string { return fmt.Sprintf("%s %s of %s", verb, c.name, c.stream) }

// register creates the consumer on the bus, unless it exists.
func (c *Consumer) register(ctx context.Context, js jetstream.JetStream) error {
	_, err := js.CreateOrUpdateConsumer(ctx, c.stream, jetstream.ConsumerConfig{
		Durable: c.name, AckPolicy: jetstream.AckAllPolicy, AckWait: ackWait,
		DeliverPolicy: jetstream.DeliverAllPolicy, MaxAckPending: maxAckPending,
	})
	if err != nil {
		return err
	}
	if err := c.syncPosition(ctx, js); err != nil {
		return err
	}
	c.registered = true
	return nil
}

// syncPosition asks the bus up to where the consumer has acknowledged: by a call whose
// answer was lost, or in an earlier run of the program. It also skips what the stream has
// dropped because it was full.
func (c *Consumer) syncPosition(ctx context.Context, js jetstream.JetStream) error {
	s, err := js.Stream(ctx, c.stream)
	if err != nil {
		return err
	}
	consumer, err := s.Consumer(ctx, c.name)
	if err != nil {
		return err
	}
	c.buffer.acknowledge(consumer.CachedInfo().AckFloor.Stream)
	c.buffer.skipTo(s.CachedInfo().State.FirstSeq)
	return nil
}

// reacknowledge acknowledges what was redelivered although it had been acknowledged. The
// bus confirms, but ignores, the acknowledgement of a delivery that is older than the
// newest acknowledged one, and such messages are redelivered until a newer delivery is
// acknowledged. It does not wait for an answer: if the acknowledgement is lost, the
// messages come again.
func (c *Consumer) reacknowledge(conn *nats.Conn, received []Message) {
	if m, ok := c.buffer.redelivered(received); ok {
		_ = conn.Publish(m.ack, []byte("+ACK"))
	}
}

// fetchBatch requests up to maxMessages messages and returns those that the bus has.
func (c *Consumer) fetchBatch(ctx context.Context, conn *nats.Conn, maxMessages int) ([]Message, error) {
	inbox := conn.NewInbox()
	sub, err := conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	request, err := json.Marshal(map[string]any{"batch": maxMessages, "expires": fetchWait})
	if err != nil {
		return nil, err
	}
	if err := conn.PublishRequest(fmt.Sprintf("$JS.API.CONSUMER.MSG.NEXT.%s.%s", c.stream, c.name), inbox, request); err != nil {
		return nil, err
	}
	var out []Message
	for len(out) < maxMessages {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return out, err
		}
		if status := m.Header.Get("Status"); status != "" && len(m.Data) == 0 {
			switch status {
			case "404", "408": // no more for now
				return out, nil
			case "503":
				return out, jetstream.ErrNoStreamResponse
			case "100": // a heartbeat
				continue
			}
			return out, errors.New("the bus answers with status " + status + " " + m.Header.Get("Description"))
		}
		meta, err := m.Metadata()
		if err != nil {
			return out, err
		}
		out = append(out, Message{Sequence: meta.Sequence.Stream, Data: string(m.Data), ack: m.Reply})
	}
	return out, nil
}
