package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
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
// when it was asked, and returns all of it. That nobody leads, or that there
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
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	s, err := js.Stream(ctx, stream) // the leader answers
	if err != nil {
		return nil, 0, err
	}
	want := s.CachedInfo().State.LastSeq
	first, err := caughtUp(ctx, srv, stream, want)
	if err != nil {
		return nil, 0, err
	}
	messages = make([]string, 0, want)
	for seq := first; seq <= want; seq++ {
		// Answered by the replica that is here, see ownReplica.
		m, err := s.GetMsg(ctx, seq)
		if err != nil {
			return nil, 0, fmt.Errorf("message %d: %w", seq, err)
		}
		messages = append(messages, string(m.Data))
	}
	return messages, want, nil
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
