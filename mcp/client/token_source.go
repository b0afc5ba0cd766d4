package client

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/internal/broadcast"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// tokenSource holds a client's token and refreshes it long before it expires, so that
// calls go on while the identity nodes are down for a while. When the token has
// expired, calls wait for the next one.
type tokenSource struct {
	who     *pki.Identity
	dial    api.DialFunc
	servers []string // the identity nodes, those of the client's region first
	spawn   func(func())
	log     *slog.Logger

	mu       sync.Mutex
	token    string
	expires  time.Time        // when token expires
	changed  broadcast.Signal // at each token and each failure
	lastErr  error            // of the last attempt, nil after a success
	rejected chan struct{}    // holds one when a node has rejected the token
}

func newTokenSource(cfg Config, spawn func(func())) *tokenSource {
	s := &tokenSource{who: cfg.Identity, dial: cfg.Dial, servers: cfg.IdentityServers, spawn: spawn, log: cfg.Log, rejected: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// tokenRetryInterval is the pause after a failure to get a token.
const tokenRetryInterval = 250 * time.Millisecond

// run refreshes the token until ctx ends.
func (s *tokenSource) run(ctx context.Context) {
	for ctx.Err() == nil {
		started := time.Now()
		reply, err := s.fetch(ctx)
		wait := tokenRetryInterval
		if s.store(started, reply, err); err == nil {
			wait = time.Until(started.Add(time.Duration(reply.RefreshMs) * time.Millisecond))
		}
		select {
		case <-time.After(wait):
		case <-s.rejected:
			select { // no sooner than after a failure
			case <-time.After(tokenRetryInterval):
			case <-ctx.Done():
			}
		case <-ctx.Done():
		}
	}
}

// store stores the result of a request for a token.
func (s *tokenSource) store(started time.Time, r *api.TokenReply, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	if err != nil {
		if s.lastErr == nil {
			s.log.Warn("no identity node issues a new token; the old one is used until it expires", "in", time.Until(s.expires).Round(time.Second), "error", err)
		}
		s.lastErr = err
		return
	}
	if s.lastErr != nil {
		s.log.Info("a new token was issued", "by", r.Node)
	}
	s.lastErr, s.token = nil, r.Token
	s.expires = started.Add(time.Duration(r.LifetimeMs) * time.Millisecond)
}

// fetch asks for the next token, with the present one or, without one, with the certificate.
func (s *tokenSource) fetch(ctx context.Context) (*api.TokenReply, error) {
	if token := s.current(); token != "" {
		var sessionEnded atomic.Bool
		credentials := api.Credentials{TLS: s.who.AnonymousClientConfig(), Token: func(context.Context) (string, error) { return token, nil }}
		r, err := s.request(ctx, credentials, func(ctx context.Context, c api.IdentityClient) (*api.TokenReply, error) {
			r, err := c.Refresh(ctx, &api.RefreshRequest{})
			if status.Code(err) == codes.Unauthenticated {
				sessionEnded.Store(true)
			}
			return r, err
		})
		if err == nil || !sessionEnded.Load() {
			return r, err
		}
		s.log.Info("the token is not refreshed; opening a new session", "error", err)
	}
	return s.request(ctx, api.Credentials{TLS: s.who.ClientConfig()}, func(ctx context.Context, c api.IdentityClient) (*api.TokenReply, error) {
		return c.Issue(ctx, &api.IssueRequest{})
	})
}

// request calls the identity nodes, one after the other, until one answers.
func (s *tokenSource) request(ctx context.Context, credentials api.Credentials, call func(context.Context, api.IdentityClient) (*api.TokenReply, error)) (*api.TokenReply, error) {
	r, err := hedge(ctx, s.spawn, len(s.servers), func(ctx context.Context, i int) (*api.TokenReply, error) {
		conn, err := api.Connect(s.servers[i], s.dial, credentials)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		return call(ctx, api.NewIdentityClient(conn))
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("get a token: %w", err)
	}
	return r, nil
}

// current returns the token, or "" if it has expired.
func (s *tokenSource) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().After(s.expires) {
		return ""
	}
	return s.token
}

// get returns the present token, or waits for one.
func (s *tokenSource) get(ctx context.Context) (string, error) {
	for {
		changed := s.changed.Next() // before the look, so that no new token is missed
		if t := s.current(); t != "" {
			return t, nil
		}
		s.mu.Lock()
		failure := s.lastErr
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			if failure == nil {
				failure = ctx.Err()
			}
			return "", status.Errorf(codes.Unauthenticated, "no token: %v", failure)
		}
	}
}

// Token returns the client's present token, or waits for one.
func (c *Client) Token(ctx context.Context) (string, error) { return c.tokens.get(ctx) }

// reject is called when a node has rejected the token.
func (s *tokenSource) reject() {
	select {
	case s.rejected <- struct{}{}:
	default:
	}
}
