// Package linkd is what runs beside each node and carries its links: proxies
// (Toxiproxy as a library, with a toxic of our own), an echo server to measure
// them by, and a supervisor that probes from inside the pod and replaces
// proxies that hang. It knows ports and bytes; which link means what is mesh's.
package linkd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// Names of the toxics on each proxy.
const (
	upToxic    = "up"
	downToxic  = "down"
	resetToxic = "reset"
)

var register = sync.OnceFunc(func() { toxics.Register(FlowType, new(Flow)) })

// Proxies is one Toxiproxy server. Its own API stays reachable, so that
// toxiproxy-cli shows what a link is doing.
type Proxies struct {
	server *toxiproxy.ApiServer
	mu     sync.Mutex
	held   map[string]wire.Proxy
}

// NewProxies makes a server without proxies.
func NewProxies() *Proxies {
	register()
	m := toxiproxy.NewMetricsContainer(prometheus.NewRegistry())
	return &Proxies{server: toxiproxy.NewServer(m, zerolog.Nop()), held: map[string]wire.Proxy{}}
}

// Handler serves PUT /links and Toxiproxy's API.
func (p *Proxies) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+wire.Links, func(w http.ResponseWriter, r *http.Request) {
		var want []wire.Proxy
		if err := json.NewDecoder(r.Body).Decode(&want); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := p.Put(r.Context(), want); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.Handle("/", p.server.Routes())
	return mux
}

// Put makes each named proxy as it is wanted; the others stay. It tries all of
// them and reports every one that it could not make so.
func (p *Proxies) Put(ctx context.Context, want []wire.Proxy) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, w := range want {
		if err := p.put(ctx, w); err != nil {
			errs = append(errs, fmt.Errorf("proxy %s: %w", w.Name, err))
			continue
		}
		p.held[w.Name] = w
	}
	return errors.Join(errs...)
}

func (p *Proxies) put(ctx context.Context, w wire.Proxy) error {
	was, known := p.held[w.Name]
	if !known {
		return p.create(w)
	}
	if was.Listen != w.Listen || was.Upstream != w.Upstream {
		return fmt.Errorf("moved from %s→%s to %s→%s", was.Listen, was.Upstream, w.Listen, w.Upstream)
	}
	proxy, err := p.server.Collection.Get(w.Name)
	if err != nil {
		return err
	}
	if w.Closed && !was.Closed {
		proxy.Stop()
	}
	if w.Reset && !was.Reset {
		if err := p.reset(proxy); err != nil {
			return err
		}
	}
	if w.Reset {
		w.Up.Close, w.Down.Close = true, true
	}
	for name, f := range map[string]wire.Flow{upToxic: w.Up, downToxic: w.Down} {
		if _, err := proxy.Toxics.UpdateToxicJson(name, settings(f)); err != nil {
			return err
		}
	}
	if was.Reset && !w.Reset {
		if err := proxy.Toxics.RemoveToxic(ctx, resetToxic); err != nil {
			return err
		}
	}
	if was.Closed && !w.Closed {
		return proxy.Start()
	}
	return nil
}

func (p *Proxies) create(w wire.Proxy) error {
	proxy := toxiproxy.NewProxy(p.server, w.Name, w.Listen, w.Upstream)
	if w.Reset {
		w.Up.Close, w.Down.Close = true, true
	}
	for stream, f := range map[string]wire.Flow{"upstream": w.Up, "downstream": w.Down} {
		b, err := json.Marshal(map[string]any{
			"name": strings.TrimSuffix(stream, "stream"), "type": FlowType, "stream": stream, "toxicity": 1, "attributes": f,
		})
		if err != nil {
			return err
		}
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(string(b))); err != nil {
			return err
		}
	}
	if w.Reset {
		if err := p.reset(proxy); err != nil {
			return err
		}
	}
	return p.server.Collection.Add(proxy, !w.Closed)
}

// reset makes open connections end in an RST, and those to come: Toxiproxy
// sets SO_LINGER to zero on connections that are opened while its own
// reset_peer is there, and our toxic then closes them at once.
func (p *Proxies) reset(proxy *toxiproxy.Proxy) error {
	sever(proxy)
	_, err := proxy.Toxics.AddToxicJson(strings.NewReader(
		`{"name":"` + resetToxic + `","type":"reset_peer","stream":"upstream","toxicity":1,"attributes":{"timeout":0}}`))
	if err != nil {
		return err
	}
	sever(proxy) // those that came between
	return nil
}

// Close takes every proxy away. What was held is thrown away.
func (p *Proxies) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var flows []*Flow
	for _, proxy := range p.server.Collection.Proxies() {
		for _, name := range []string{upToxic, downToxic} {
			if t := proxy.Toxics.GetToxic(name); t != nil {
				if f, ok := t.Toxic.(*Flow); ok {
					flows = append(flows, f)
				}
			}
		}
	}
	err := p.server.Collection.Clear()
	for _, f := range flows {
		f.end()
	}
	clear(p.held)
	return err
}

// settings is the body of a toxic's update.
func settings(f wire.Flow) *strings.Reader {
	b, err := json.Marshal(map[string]any{"attributes": f, "toxicity": 1})
	if err != nil {
		panic(err) // plain values
	}
	return strings.NewReader(string(b))
}
