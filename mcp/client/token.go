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

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// wallet holds a client's token and keeps it fresh: it asks for the next one
// long before the present one ends, so that identity nodes may be away for a
// while and nobody notices. With none left calls wait for one.
type wallet struct {
	who     *trust.Identity
	dial    api.DialFunc
	servers []string // identity nodes, those of the own region first
	spawn   func(func())
	log     *slog.Logger

	mu      sync.Mutex
	token   string
	expires time.Time     // when this one is of no use any more
	change  chan struct{} // closed and replaced with each token and each failure
	failure error         // of the last attempt, nil after a success
	doubt   chan struct{} // a node would not have the token
}

func newWallet(cfg Config, spawn func(func())) *wallet {
	w := &wallet{who: cfg.Who, dial: cfg.Dial, servers: cfg.Identity, spawn: spawn, log: cfg.Log, change: make(chan struct{}), doubt: make(chan struct{}, 1)}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	return w
}

// retryToken is the pause after a failure to get one.
const retryToken = 250 * time.Millisecond

// run keeps the token fresh until ctx ends.
func (w *wallet) run(ctx context.Context) {
	for ctx.Err() == nil {
		started := time.Now()
		reply, err := w.next(ctx)
		wait := retryToken
		if w.keep(started, reply, err); err == nil {
			wait = time.Until(started.Add(time.Duration(reply.RefreshMs) * time.Millisecond))
		}
		select {
		case <-time.After(wait):
		case <-w.doubt:
			select { // not faster than after a failure
			case <-time.After(retryToken):
			case <-ctx.Done():
			}
		case <-ctx.Done():
		}
	}
}

// keep takes note of what came of asking.
func (w *wallet) keep(started time.Time, r *api.TokenReply, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() {
		close(w.change)
		w.change = make(chan struct{})
	}()
	if err != nil {
		if w.failure == nil {
			w.log.Warn("no identity node gives a new token; the old one is used while it lives", "for", time.Until(w.expires).Round(time.Second), "error", err)
		}
		w.failure = err
		return
	}
	if w.failure != nil {
		w.log.Info("a new token was issued", "by", r.Node)
	}
	w.failure, w.token = nil, r.Token
	w.expires = started.Add(time.Duration(r.LifeMs) * time.Millisecond)
}

// next asks for the next token: by the present one or, without, by certificate.
func (w *wallet) next(ctx context.Context) (*api.TokenReply, error) {
	if token := w.present(); token != "" {
		var over atomic.Bool
		by := api.Credentials{TLS: w.who.Nameless(), Token: func(context.Context) (string, error) { return token, nil }}
		r, err := w.ask(ctx, by, func(ctx context.Context, c api.IdentityClient) (*api.TokenReply, error) {
			r, err := c.Refresh(ctx, &api.RefreshRequest{})
			if status.Code(err) == codes.Unauthenticated {
				over.Store(true)
			}
			return r, err
		})
		if err == nil || !over.Load() {
			return r, err
		}
		w.log.Info("the token is not refreshed: a session is opened anew", "error", err)
	}
	return w.ask(ctx, api.Credentials{TLS: w.who.Dial()}, func(ctx context.Context, c api.IdentityClient) (*api.TokenReply, error) {
		return c.Issue(ctx, &api.IssueRequest{})
	})
}

// ask puts one question to the identity nodes, one after the other.
func (w *wallet) ask(ctx context.Context, by api.Credentials, question func(context.Context, api.IdentityClient) (*api.TokenReply, error)) (*api.TokenReply, error) {
	r, err := hedge(ctx, w.spawn, len(w.servers), func(ctx context.Context, i int) (*api.TokenReply, error) {
		conn, err := api.Connect(w.servers[i], w.dial, by)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		ctx, cancel := context.WithTimeout(ctx, askLimit)
		defer cancel()
		return question(ctx, api.NewIdentityClient(conn))
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("get a token: %w", err)
	}
	return r, nil
}

// present is the token while it lives, else "".
func (w *wallet) present() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Now().After(w.expires) {
		return ""
	}
	return w.token
}

// get returns the present token, and waits for one if there is none.
func (w *wallet) get(ctx context.Context) (string, error) {
	for {
		if t := w.present(); t != "" {
			return t, nil
		}
		w.mu.Lock()
		change, failure := w.change, w.failure
		w.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
			if failure == nil {
				failure = ctx.Err()
			}
			return "", status.Errorf(codes.Unauthenticated, "no token: %v", failure)
		}
	}
}

// Token is the client's present token; it waits for one if there is none.
func (c *Client) Token(ctx context.Context) (string, error) { return c.wallet.get(ctx) }

// refused tells that a node would not have the token.
func (w *wallet) refused() {
	select {
	case w.doubt <- struct{}{}:
	default:
	}
}
