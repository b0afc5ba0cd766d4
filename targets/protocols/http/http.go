// Package http is the protocol of systems that speak HTTP: each operation is a template of a request, and
// tables say what a status means.
//
// Outcomes:
//
//	what happened                                                  outcome of a write    outcome of a read
//	no connection to a node, or its health check failed            failed                failed
//	the request was not handed to the network                      failed                failed
//	no answer: time-out, connection reset or closed                unknown               failed
//	an answer that is cut off, too long or no HTTP                 unknown               failed
//	status in ok (by default 200, 201 and 204)                     ok                    ok, with the value
//	status in ok, but the value is not where answer says           unknown               failed
//	status in missing (by default 404, of reads)                   -                     ok, nothing is there
//	status in notApplied (of cas and transfer)                     ok, not applied       -
//	status in failed                                               failed, rejected      failed, rejected
//	status in wrongNode                                            failed, rejected      failed, rejected
//	any other status, redirects and 5xx among them                 unknown               failed
//
// Which statuses prove that nothing was done is for the system's documentation to say, so failed and wrongNode are empty
// by default. A gateway's 502 or 503 belongs in neither: it may have passed the request on.
//
// It is HTTP/1.1 without redirects and without retries. Go's own client would repeat a GET, PUT or DELETE when
// a connection that it had kept turns out to be closed; this one sends each request once, on a connection of its own
// while it lasts.
package http

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/failover"
	"github.com/mcp-resilience/holdfast/targets/protocols/wire"
	"github.com/mcp-resilience/holdfast/workload"
)

// Name is the protocol's name in target files.
const Name = "http"

// protocol is Settings that make sense.
type protocol struct {
	settings   Settings
	tls        *tls.Config
	operations map[history.Kind]*operation
}

// New returns the protocol, or the error of Validate.
func New(s Settings) (protocols.Protocol, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	p := &protocol{settings: s, operations: map[history.Kind]*operation{}}
	for kind, o := range s.Operations {
		p.operations[kind], _ = compile(kind, o) // Validate has compiled it
	}
	p.tls, _ = s.TLS.config()
	return p, nil
}

// Kinds lists the operations that have a template.
func (p *protocol) Kinds() []history.Kind {
	var out []history.Kind
	for _, k := range kinds {
		if p.operations[k] != nil {
			out = append(out, k)
		}
	}
	return out
}

// Client makes a client that uses the first endpoint that serves.
func (p *protocol) Client(_ context.Context, s protocols.System, id int) (workload.Client, error) {
	return p.client(s, s.Preferred(id))
}

// Reader makes a client that reads through one endpoint.
func (p *protocol) Reader(_ context.Context, s protocols.System, via protocols.Endpoint) (workload.Client, error) {
	c, err := p.client(s, []protocols.Endpoint{via})
	if err != nil {
		return nil, err
	}
	return reader{c}, nil
}

func (p *protocol) client(s protocols.System, endpoints []protocols.Endpoint) (*client, error) {
	headers, err := p.headers(s)
	if err != nil {
		return nil, err
	}
	return &client{p, s, headers, failover.New(failover.Config[*wire.Conn]{
		Endpoints: endpoints, OpenTimeout: p.settings.ConnectTimeout,
		Open: func(ctx context.Context, to protocols.Endpoint) (*wire.Conn, error) {
			return p.open(ctx, s, headers, to)
		},
	})}, nil
}

// headers renders the headers that every request has.
func (p *protocol) headers(s protocols.System) (http.Header, error) {
	h := http.Header{}
	for name, value := range p.settings.Headers {
		v, err := protocols.WithSecret(value, s.Secret)
		if err != nil {
			return nil, fmt.Errorf("http header %s: %w", name, err)
		}
		h.Set(name, v)
	}
	return h, nil
}

// open connects to an endpoint, and asks it for its health where the settings say how.
func (p *protocol) open(ctx context.Context, s protocols.System, headers http.Header, to protocols.Endpoint) (*wire.Conn, error) {
	c, err := p.connect(ctx, s, to)
	if err != nil || p.settings.Health == nil {
		return c, err
	}
	got, _, err := exchange(ctx, c, request{method: http.MethodGet, path: p.settings.Health.Path, header: headers}, to)
	switch {
	case err != nil:
	case !slices.Contains(p.settings.Health.ok(), got.status):
		err = fmt.Errorf("its health at %s has status %d", p.settings.Health.Path, got.status)
	case got.last:
		_ = c.Close()
		return p.connect(ctx, s, to)
	default:
		return c, nil
	}
	_ = c.Close()
	return nil, err
}

// connect makes a connection on which nothing has been said.
func (p *protocol) connect(ctx context.Context, s protocols.System, to protocols.Endpoint) (*wire.Conn, error) {
	raw, err := s.Dial(ctx, "tcp", to.Address)
	if err != nil {
		return nil, err
	}
	if p.tls == nil {
		return wire.New(raw), nil
	}
	cfg := p.tls.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = strings.Cut(to.Address, ":")
	}
	secure := tls.Client(raw, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("TLS with %s: %w", to.Address, err), raw.Close())
	}
	return wire.New(secure), nil
}

// Query sends METHOD PATH, and returns the body of an answer with a status from 200 to 299. A third word says
// where in a JSON body the wanted value is.
func (p *protocol) Query(ctx context.Context, s protocols.System, via protocols.Endpoint, query string) (string, error) {
	words := strings.Fields(query)
	if len(words) < 2 || len(words) > 3 || !strings.HasPrefix(words[1], "/") {
		return "", fmt.Errorf("http query %q: want METHOD PATH, such as GET /status, and perhaps where in a JSON body the value is", query)
	}
	headers, err := p.headers(s)
	if err != nil {
		return "", err
	}
	c, err := p.connect(ctx, s, via)
	if err != nil {
		return "", fmt.Errorf("http query %q of %s: %w", query, via.Node, err)
	}
	defer c.Close()
	got, _, err := exchange(ctx, c, request{method: words[0], path: words[1], header: headers}, via)
	if err == nil && (got.status < 200 || got.status > 299) {
		err = fmt.Errorf("status %d: %s", got.status, got.excerpt())
	}
	where := ""
	if len(words) == 3 {
		where = words[2]
	}
	out := ""
	if err == nil {
		out, err = got.value(where, "")
	}
	if err != nil {
		return "", fmt.Errorf("http query %q of %s: %w", query, via.Node, err)
	}
	return strings.TrimSpace(out), nil
}
