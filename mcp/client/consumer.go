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
	ack      string // where it is acknowledged
}

// Consumer is a reader of a stream whose place the bus remembers under its
// name, on as many servers as hold the stream. Whatever is fetched and not
// acknowledged comes again. Messages come in the stream's order: one that
// would come before another that is still missing is held back.
type Consumer struct {
	bus          *Bus
	stream, name string
	turn         chan struct{} // holds one token: calls do not overlap

	known bool // the bus has it
	order turns
}

// unacked is how many messages the bus hands to a consumer before it waits for
// an acknowledgement.
const unacked = 4096

// redeliver is after how long a message that was not acknowledged comes again.
const redeliver = 3 * time.Second

// linger is how long the bus waits for more messages when it has fewer than asked for.
const linger = 50 * time.Millisecond

// Consumer returns the consumer of a name. Two with the same name at a time
// would take each other's messages.
func (b *Bus) Consumer(stream, name string) *Consumer {
	return &Consumer{bus: b, stream: stream, name: name, turn: make(chan struct{}, 1), order: newTurns()}
}

// Consume hands the next messages over in order, at most so many, and then
// acknowledges them; none is no error. An error that is NoEffect proves that
// none was handed over; with any other those that were may come again.
func (c *Consumer) Consume(ctx context.Context, most int, handle func(Message)) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return &Error{Op: c.op("fetch"), NoEffect: true, Err: ctx.Err()}
	}
	messages, err := c.fetch(ctx, most)
	if err != nil || len(messages) == 0 {
		return err
	}
	for _, m := range messages {
		handle(m)
	}
	return c.acknowledge(ctx, messages[len(messages)-1])
}

// fetch returns the next messages. Its failure has no effect that anybody
// but the bus sees.
func (c *Consumer) fetch(ctx context.Context, most int) (out []Message, err error) {
	err = c.bus.call(ctx, c.op("fetch"), func(ctx context.Context, g *berth) error {
		if !c.known {
			if err := c.register(ctx, g.js); err != nil {
				return err
			}
		}
		if !c.order.ready() {
			came, err := c.pull(ctx, g.conn, most)
			if c.order.keep(came); err != nil {
				return err
			}
			c.remind(g.conn, came)
		}
		if c.order.stuck() {
			if err := c.place(ctx, g.js); err != nil {
				return err
			}
		}
		out = c.order.run(most)
		return nil
	})
	var e *Error
	if errors.As(err, &e) {
		e.NoEffect = true
	}
	return out, err
}

// acknowledge acknowledges a message and all before it. Without an error a
// majority of the servers has noted it.
func (c *Consumer) acknowledge(ctx context.Context, m Message) error {
	err := c.bus.call(ctx, c.op("acknowledge"), func(ctx context.Context, g *berth) error {
		_, err := g.conn.RequestWithContext(ctx, m.ack, []byte("+ACK"))
		return err
	})
	if err == nil {
		c.order.settle(m.Sequence)
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		e.NoEffect = false // the messages are handed over
	}
	return err
}

func (c *Consumer) op(verb string) string { return fmt.Sprintf("%s %s of %s", verb, c.name, c.stream) }

// register makes the consumer known to the bus, unless it is.
func (c *Consumer) register(ctx context.Context, js jetstream.JetStream) error {
	_, err := js.CreateOrUpdateConsumer(ctx, c.stream, jetstream.ConsumerConfig{
		Durable: c.name, AckPolicy: jetstream.AckAllPolicy, AckWait: redeliver,
		DeliverPolicy: jetstream.DeliverAllPolicy, MaxAckPending: unacked,
	})
	if err != nil {
		return err
	}
	if err := c.place(ctx, js); err != nil {
		return err
	}
	c.known = true
	return nil
}

// place asks the bus how far the consumer has acknowledged: by an answer that
// was lost on its way, or by another life of this program. What the stream has dropped
// for want of room cannot come any more either.
func (c *Consumer) place(ctx context.Context, js jetstream.JetStream) error {
	s, err := js.Stream(ctx, c.stream)
	if err != nil {
		return err
	}
	at, err := s.Consumer(ctx, c.name)
	if err != nil {
		return err
	}
	c.order.settle(at.CachedInfo().AckFloor.Stream)
	c.order.skip(s.CachedInfo().State.FirstSeq)
	return nil
}

// remind acknowledges what came although it had been acknowledged. The bus
// ignores the acknowledgement of a copy that is older than the newest one
// acknowledged, and says that all is well; such messages keep coming until a
// newer copy is acknowledged. Nobody waits for it: what is lost is sent again.
func (c *Consumer) remind(conn *nats.Conn, came []Message) {
	if m, ok := c.order.again(came); ok {
		_ = conn.Publish(m.ack, []byte("+ACK"))
	}
}

// pull asks for messages and takes what comes.
func (c *Consumer) pull(ctx context.Context, conn *nats.Conn, most int) ([]Message, error) {
	inbox := conn.NewInbox()
	sub, err := conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	ask, err := json.Marshal(map[string]any{"batch": most, "expires": linger})
	if err != nil {
		return nil, err
	}
	if err := conn.PublishRequest(fmt.Sprintf("$JS.API.CONSUMER.MSG.NEXT.%s.%s", c.stream, c.name), inbox, ask); err != nil {
		return nil, err
	}
	var out []Message
	for len(out) < most {
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
			case "100": // a sign of life
				continue
			}
			return out, errors.New("the bus answers " + status + " " + m.Header.Get("Description"))
		}
		meta, err := m.Metadata()
		if err != nil {
			return out, err
		}
		out = append(out, Message{Sequence: meta.Sequence.Stream, Data: string(m.Data), ack: m.Reply})
	}
	return out, nil
}
