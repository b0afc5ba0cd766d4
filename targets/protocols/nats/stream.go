package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mcp-resilience/holdfast/history"
)

// batch is how many messages a consumer asks for at a time.
const batch = 256

// emptyWait is how long a consumer waits for a message when there is none.
const emptyWait = 100 * time.Millisecond

func (c *client) publish(ctx context.Context, s *session, op history.Op) (history.Op, error) {
	ack, err := put(ctx, s, c.settings.Prefix+".log."+token(op.Key), op.Value)
	if err == nil {
		op.Revision = ack.Sequence
	}
	return op, err
}

// consume takes the messages that are there for a durable consumer. Those that were delivered are in the operation
// even if the server does not confirm their acknowledgement.
func (c *client) consume(ctx context.Context, s *session, op history.Op) (history.Op, error) {
	stream, name, found := strings.Cut(op.Key, "/")
	if !found {
		return op, fmt.Errorf("consumer %q: want STREAM/NAME", op.Key)
	}
	consumer, err := s.js.CreateOrUpdateConsumer(ctx, c.log(stream), jetstream.ConsumerConfig{
		Durable: c.settings.Prefix + "-" + token(name), AckPolicy: jetstream.AckExplicitPolicy, AckWait: 5 * time.Second, MaxAckPending: -1,
	})
	if err != nil {
		return op, err
	}
	got, err := consumer.Fetch(batch, jetstream.FetchMaxWait(emptyWait))
	if err != nil {
		return op, err
	}
	var unconfirmed error
	for m := range got.Messages() {
		op.Set = append(op.Set, string(m.Data()))
		if meta, err := m.Metadata(); err == nil {
			op.Revision = meta.Sequence.Stream
		}
		if err := m.DoubleAck(ctx); err != nil {
			unconfirmed = errors.Join(unconfirmed, err)
		}
	}
	if err := got.Error(); err != nil && !errors.Is(err, natsgo.ErrTimeout) {
		unconfirmed = errors.Join(unconfirmed, err)
	}
	return op, unconfirmed
}

// messages reads a stream from its first message to the last one that it has now.
func (c *client) messages(ctx context.Context, s *session, op history.Op) (history.Op, error) {
	stream, err := s.js.Stream(ctx, c.log(op.Key))
	if err != nil {
		return op, err
	}
	info, err := stream.Info(ctx)
	if err != nil || info.State.Msgs == 0 {
		return op, err
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return op, err
	}
	for op.Revision < info.State.LastSeq {
		got, err := consumer.Fetch(batch, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			return op, err
		}
		for m := range got.Messages() {
			meta, err := m.Metadata()
			if err != nil {
				return op, err
			}
			if meta.Sequence.Stream <= info.State.LastSeq {
				op.Set, op.Revision = append(op.Set, string(m.Data())), meta.Sequence.Stream
			}
		}
		if err := errors.Join(got.Error(), ctx.Err()); err != nil {
			return op, err
		}
	}
	return op, nil
}
