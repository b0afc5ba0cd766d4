package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Service serves api.Bus.
type Service struct {
	api.UnimplementedBusServer
	Bus *Bus
}

// Held returns a stream as this server's replica has it.
func (s *Service) Held(ctx context.Context, r *api.HeldRequest) (*api.HeldReply, error) {
	messages, last, err := s.Bus.Held(ctx, r.Stream)
	if err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	return &api.HeldReply{Messages: messages, Last: last, Node: s.Bus.cfg.Name}, nil
}

// Held waits until this server's replica of a stream has what its leader had
// after it was asked, and returns all of it. That nobody leads, or that there
// is no replica here, is an error.
func (b *Bus) Held(ctx context.Context, stream string) (messages []string, last uint64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("stream %s on %s: %w", stream, b.cfg.Name, err)
		}
	}()
	srv, js, err := b.running()
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, heldLimit)
	defer cancel()
	want, err := led(ctx, js, stream)
	if err != nil {
		return nil, 0, err
	}
	first, err := caughtUp(ctx, srv, stream, want)
	if err != nil {
		return nil, 0, err
	}
	messages = make([]string, 0, want)
	for next := first; next <= want; {
		batch, err := read(ctx, js.Conn(), stream, next, want+1-next)
		if err != nil {
			return nil, 0, fmt.Errorf("messages from %d on: %w", next, err)
		}
		messages, next = append(messages, batch...), next+uint64(len(batch))
	}
	return messages, want, nil
}

// heldLimit bounds Held. Leaders hear from their peers once a second.
const heldLimit = 5 * time.Second

// led asks a stream's leader for the number of its last message. One that was
// cut off takes itself for the leader until it hears of the next: so an answer
// counts once a majority has been heard since the question was put. And what it
// hears may be of the next, before it has stepped down: so it must still lead
// when it is asked again.
func led(ctx context.Context, js jetstream.JetStream, stream string) (last uint64, err error) {
	put := time.Now()
	leader := "" // of the last answer, if that counts
	for {
		before := time.Since(put)
		s, err := js.Stream(ctx, stream)
		if err != nil {
			return 0, err
		}
		info := s.CachedInfo()
		switch c := info.Cluster; {
		case c == nil: // there is one server
			return info.State.LastSeq, nil
		case !leads(c, before):
			leader = ""
		case leader == c.Leader:
			return last, nil
		default:
			leader, last = c.Leader, info.State.LastSeq
		}
		select {
		case <-time.After(look / 2):
		case <-ctx.Done():
			return 0, fmt.Errorf("no leader hears from a majority: %w", ctx.Err())
		}
	}
}

// leads tells whether who answered leads, and has heard from a majority within
// a time. It lists all but itself: one that lists the leader is another.
func leads(c *jetstream.ClusterInfo, within time.Duration) bool {
	heard := 1
	for _, r := range c.Replicas {
		if r.Name == c.Leader {
			return false
		}
		if 0 < r.Active && r.Active < within { // 0: never
			heard++
		}
	}
	return c.Leader != "" && 2*heard > 1+len(c.Replicas)
}

// read asks for messages from one on, and returns as many as come in one go:
// at least one. The replica that is here answers, see ownReplica.
func read(ctx context.Context, nc *nats.Conn, stream string, from, most uint64) (out []string, err error) {
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	ask, err := json.Marshal(map[string]uint64{"seq": from, "batch": most})
	if err != nil {
		return nil, err
	}
	if err := nc.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, ask); err != nil {
		return nil, err
	}
	for {
		m, err := sub.NextMsgWithContext(ctx)
		switch {
		case err != nil:
			return nil, err
		case m.Header.Get("Status") == "":
			out = append(out, string(m.Data))
		case len(out) > 0: // the end of the batch
			return out, nil
		default:
			return nil, fmt.Errorf("the replica answers %s %s", m.Header.Get("Status"), m.Header.Get("Description"))
		}
	}
}

// caughtUp waits until this server's own replica reaches a message, and
// returns the first that it has.
func caughtUp(ctx context.Context, srv *server.Server, stream string, want uint64) (first uint64, err error) {
	for {
		z, err := srv.Jsz(&server.JSzOptions{Account: account, Streams: true})
		if err != nil {
			return 0, err
		}
		has, found := uint64(0), false
		for _, a := range z.AccountDetails {
			for _, s := range a.Streams {
				if s.Name == stream {
					first, has, found = s.State.FirstSeq, s.State.LastSeq, true
				}
			}
		}
		if found && has >= want {
			return max(first, 1), nil
		}
		select {
		case <-time.After(look / 4):
		case <-ctx.Done():
			if !found {
				return 0, fmt.Errorf("no replica here")
			}
			return 0, fmt.Errorf("the replica has %d of %d messages: %w", has, want, ctx.Err())
		}
	}
}
