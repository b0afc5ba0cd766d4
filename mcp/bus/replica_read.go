package bus

import (
	"context"
	"encoding/json"
	"errors"
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

// ReadReplica returns the messages of this server's replica of a stream.
func (s *Service) ReadReplica(ctx context.Context, r *api.ReadReplicaRequest) (*api.ReadReplicaReply, error) {
	messages, last, err := s.Bus.ReadReplica(ctx, r.Stream)
	if err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	return &api.ReadReplicaReply{Messages: messages, Last: last, Node: s.Bus.cfg.Name}, nil
}

// ReadReplica waits until this server's replica of a stream has what the stream's leader had
// when ReadReplica was called, and returns all messages. It fails if the stream has no
// leader, or no replica here.
func (b *Bus) ReadReplica(ctx context.Context, stream string) (messages []string, last uint64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read stream %s on %s: %w", stream, b.cfg.Name, err)
		}
	}()
	srv, js, err := b.started()
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, replicaReadTimeout)
	defer cancel()
	want, err := leaderLastSeq(ctx, js, stream)
	if err != nil {
		return nil, 0, err
	}
	first, err := awaitCaughtUp(ctx, srv, stream, want)
	if err != nil {
		return nil, 0, err
	}
	messages = make([]string, 0, want)
	for next := first; next <= want; {
		batch, err := readBatch(ctx, js.Conn(), stream, next, want+1-next)
		if err != nil {
			return nil, 0, fmt.Errorf("read messages from %d on: %w", next, err)
		}
		messages, next = append(messages, batch...), next+uint64(len(batch))
	}
	return messages, want, nil
}

// replicaReadTimeout limits ReadReplica. Leaders hear from their peers once a second.
const replicaReadTimeout = 5 * time.Second

// leaderLastSeq asks a stream's leader for the number of its last message. A former leader
// that is cut off believes that it leads until it hears of the next one. Therefore an answer
// counts only if the leader has heard from a majority since the request. And what it has
// heard may have come from the next leader, before it stepped down. Therefore the same node
// must still lead when it is asked again.
func leaderLastSeq(ctx context.Context, js jetstream.JetStream, stream string) (last uint64, err error) {
	started := time.Now()
	leader := "" // of the last answer that counts
	for {
		before := time.Since(started)
		s, err := js.Stream(ctx, stream)
		if err != nil {
			return 0, err
		}
		info := s.CachedInfo()
		switch c := info.Cluster; {
		case c == nil: // there is only one server
			return info.State.LastSeq, nil
		case !leaderHasQuorum(c, before):
			leader = ""
		case leader == c.Leader:
			return last, nil
		default:
			leader, last = c.Leader, info.State.LastSeq
		}
		select {
		case <-time.After(pollInterval / 2):
		case <-ctx.Done():
			return 0, fmt.Errorf("no leader has heard from a majority: %w", ctx.Err())
		}
	}
}

// leaderHasQuorum reports whether the node that answered leads, and has heard from a majority
// within a time. A node lists all replicas but itself: one that lists the leader is not the
// leader.
func leaderHasQuorum(c *jetstream.ClusterInfo, within time.Duration) bool {
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

// readBatch requests messages from a number on, and returns those of one answer: at least one.
// The replica on this server answers, see localReadsOnly.
func readBatch(ctx context.Context, nc *nats.Conn, stream string, from, maxMessages uint64) (out []string, err error) {
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	request, err := json.Marshal(map[string]uint64{"seq": from, "batch": maxMessages})
	if err != nil {
		return nil, err
	}
	if err := nc.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, request); err != nil {
		return nil, err
	}
	for {
		m, err := sub.NextMsgWithContext(ctx)
		switch {
		case err != nil:
			return nil, err
		case m.Header.Get("Status") == "":
			out = append(out, string(m.Data))
		case len(out) > 0: // the batch has ended
			return out, nil
		default:
			return nil, fmt.Errorf("the replica answers with status %s %s", m.Header.Get("Status"), m.Header.Get("Description"))
		}
	}
}

// awaitCaughtUp waits until this server's own replica has reached a message, and returns the
// number of its first message.
func awaitCaughtUp(ctx context.Context, srv *server.Server, stream string, want uint64) (first uint64, err error) {
	for {
		z, err := srv.Jsz(&server.JSzOptions{Account: natsAccount, Streams: true})
		if err != nil {
			return 0, err
		}
		last, found := uint64(0), false
		for _, a := range z.AccountDetails {
			for _, s := range a.Streams {
				if s.Name == stream {
					first, last, found = s.State.FirstSeq, s.State.LastSeq, true
				}
			}
		}
		if found && last >= want {
			return max(first, 1), nil
		}
		select {
		case <-time.After(pollInterval / 4):
		case <-ctx.Done():
			if !found {
				return 0, errors.New("there is no replica on this server")
			}
			return 0, fmt.Errorf("the replica has %d of %d messages: %w", last, want, ctx.Err())
		}
	}
}
