package nats

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/failover"
)

// client is one simulated user.
type client struct {
	settings Settings
	replicas int
	pool     *failover.Pool[*session]
	made     sync.Map // names of streams that are known to exist
}

// Do carries out the operation once.
func (c *client) Do(ctx context.Context, op history.Op) history.Op {
	carryOut := map[history.Kind]func(context.Context, *session, history.Op) (history.Op, error){
		history.Read: c.read, history.Write: c.write, history.CAS: c.cas, history.Add: c.write, history.SetRead: c.members,
		history.Publish: c.publish, history.Consume: c.consume, history.Messages: c.messages,
	}[op.Kind]
	if carryOut == nil {
		return protocols.Unsupported(op, Name)
	}
	if ctx.Err() != nil {
		return protocols.NotSent(op, ctx.Err())
	}
	err := c.pool.Use(ctx, func(via protocols.Endpoint, s *session) error {
		if err := c.makeStream(ctx, s, op); err != nil {
			op = protocols.NotSent(op, fmt.Errorf("via %s: make the stream: %w", via.Node, err))
			return c.after(s, err)
		}
		done, err := carryOut(ctx, s, op)
		var before unwritten
		switch {
		case err == nil:
			op = protocols.Acknowledged(done, via)
		case errors.As(err, &before):
			op = protocols.NotSent(op, fmt.Errorf("via %s: %w", via.Node, err))
		case provesNoEffect(err):
			op = protocols.Rejected(op, via, err)
		default:
			op = protocols.NoProof(done, via, err)
		}
		return c.after(s, err)
	})
	if err != nil {
		return protocols.NotSent(op, err)
	}
	return op
}

// after returns an error only if the connection is of no more use. The server has more than one leader to
// lose, so an error of one stream does not make it be left.
func (c *client) after(s *session, err error) error {
	if err != nil && !s.conn.IsConnected() {
		return err
	}
	return nil
}

// provesNoEffect says whether nothing was stored.
func provesNoEffect(err error) bool {
	if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, natsgo.ErrNoResponders) {
		return true
	}
	var api *jetstream.APIError
	return errors.As(err, &api) && slices.Contains([]jetstream.ErrorCode{
		jetstream.JSErrCodeStreamMessageExceedsMaximum, jetstream.JSErrCodeStreamNotFound,
	}, api.ErrorCode)
}

// token makes a key part of a subject.
func token(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// state is the stream of registers and sets.
func (c *client) state() string { return c.settings.Prefix + "-state" }

// log is the stream of a stream of the workload.
func (c *client) log(key string) string { return c.settings.Prefix + "-log-" + token(key) }

func (c *client) register(key string) string { return c.settings.Prefix + ".register." + token(key) }
func (c *client) set(key string) string      { return c.settings.Prefix + ".set." + token(key) }

// streamOf is the workload's stream that an operation is about.
func streamOf(op history.Op) string {
	key := op.Key
	if op.Kind == history.Consume {
		key, _, _ = strings.Cut(key, "/")
	}
	return key
}

// makeStream makes the stream of an operation, unless it is known to be there.
func (c *client) makeStream(ctx context.Context, s *session, op history.Op) error {
	cfg := jetstream.StreamConfig{Replicas: c.replicas, Storage: jetstream.FileStorage}
	if c.settings.Storage == "memory" {
		cfg.Storage = jetstream.MemoryStorage
	}
	switch op.Kind {
	case history.Publish, history.Consume, history.Messages:
		cfg.Name = c.log(streamOf(op))
		cfg.Subjects = []string{c.settings.Prefix + ".log." + token(streamOf(op))}
	default:
		cfg.Name, cfg.MaxMsgsPerSubject = c.state(), 1
		cfg.Subjects = []string{c.settings.Prefix + ".register.*", c.settings.Prefix + ".set.*.*"}
	}
	if _, known := c.made.Load(cfg.Name); known {
		return nil
	}
	if _, err := s.js.CreateStream(ctx, cfg); err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return err
	}
	c.made.Store(cfg.Name, true)
	return nil
}

// unwritten is an error from before anything was written.
type unwritten struct{ error }

func (e unwritten) Unwrap() error { return e.error }

// put publishes once and waits for the acknowledgement.
func put(ctx context.Context, s *session, subject, value string, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := s.js.Publish(ctx, subject, []byte(value), append(options, jetstream.WithRetryAttempts(0))...)
	if err == nil && ack.Duplicate {
		err = errors.New("the message is acknowledged as a duplicate, although it has no id")
	}
	return ack, err
}

// last is the last message of a subject. Its sequence is 0 if there is none.
func (c *client) last(ctx context.Context, s *session, subject string) (value string, sequence uint64, err error) {
	stream, err := s.js.Stream(ctx, c.state())
	if err != nil {
		return "", 0, err
	}
	m, err := stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	return string(m.Data), m.Sequence, nil
}

func (c *client) read(ctx context.Context, s *session, op history.Op) (history.Op, error) {
	var err error
	op.Output, _, err = c.last(ctx, s, c.register(op.Key))
	return op, err
}

func (c *client) write(ctx context.Context, s *session, op history.Op) (history.Op, error) {
	subject := c.register(op.Key)
	if op.Kind == history.Add {
		subject = c.set(op.Key) + "." + token(op.Value)
	}
	_, err := put(ctx, s, subject, op.Value)
	return op, err
}

// cas is two steps. The second is refused if anything was written after the first, and then the register
// held another value at that time, because no value is written twice.
func (c *client) cas(ctx context.Context, s *session, op history.Op) (history.Op, error) {
	now, sequence, err := c.last(ctx, s, c.register(op.Key))
	if err != nil {
		return op, unwritten{err}
	}
	if now != op.Expect {
		return op, nil
	}
	_, err = put(ctx, s, c.register(op.Key), op.Value, jetstream.WithExpectLastSequencePerSubject(sequence))
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		return op, nil
	}
	op.Applied = err == nil
	return op, err
}

func (c *client) members(ctx context.Context, s *session, op history.Op) (history.Op, error) {
	stream, err := s.js.Stream(ctx, c.state())
	if err != nil {
		return op, err
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(c.set(op.Key)+".*"))
	if err != nil {
		return op, err
	}
	for subject := range info.State.Subjects {
		element, err := base64.RawURLEncoding.DecodeString(subject[strings.LastIndexByte(subject, '.')+1:])
		if err != nil {
			return op, fmt.Errorf("subject %s: %w", subject, err)
		}
		op.Set = append(op.Set, string(element))
	}
	slices.Sort(op.Set)
	return op, nil
}

// Close ends the client.
func (c *client) Close() error { return c.pool.Close() }

// reader is a client of one server that writes nothing.
type reader struct{ *client }

// Do carries out a read.
func (r reader) Do(ctx context.Context, op history.Op) history.Op {
	if op.Kind.Class() != history.Reads {
		return protocols.RefuseWrite(op)
	}
	return r.client.Do(ctx, op)
}
