// Package linkd is what runs beside each node and carries its links: proxies that
// move bytes through Toxiproxy's toxics (one of them ours), an echo server to
// measure them by, and a supervisor that probes from inside the pod and replaces
// proxies that hang. It knows ports and bytes; package links knows which link
// they belong to.
package linkd

import (
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
	upToxic   = "up"
	downToxic = "down"
)

var register = sync.OnceFunc(func() {
	toxics.Register(FlowType, new(Flow))
	// It wants bare TCP connections, which ours are not, and would panic.
	delete(toxics.ToxicRegistry, "reset_peer")
})

// Proxies is the proxies of one pod and their API.
type Proxies struct {
	server *toxiproxy.ApiServer
	mu     sync.Mutex
	made   map[string]*madeProxy
}

// madeProxy is a proxy and what it was made like last.
type madeProxy struct {
	*proxy
	as wire.Proxy
}

// NewProxies makes a server without proxies.
func NewProxies() *Proxies {
	register()
	m := toxiproxy.NewMetricsContainer(prometheus.NewRegistry())
	return &Proxies{server: toxiproxy.NewServer(m, zerolog.Nop()), made: map[string]*madeProxy{}}
}

// Handler serves PUT /links, and as much of Toxiproxy's API as shows what a link
// is doing and puts foreign toxics on it. It asks for no credential; whoever
// serves it to others wraps it in RequireCredential.
func (p *Proxies) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+wire.Links, func(w http.ResponseWriter, r *http.Request) {
		var want []wire.Proxy
		if err := json.NewDecoder(r.Body).Decode(&want); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := p.Put(want); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /proxies", func(w http.ResponseWriter, r *http.Request) {
		all := map[string]shownProxy{}
		for name, m := range p.list() {
			all[name] = m.show()
		}
		writeJSON(w, all)
	})
	mux.HandleFunc("GET /proxies/{proxy}", func(w http.ResponseWriter, r *http.Request) {
		m, known := p.list()[r.PathValue("proxy")]
		if !known {
			http.Error(w, "proxy not found", http.StatusNotFound)
			return
		}
		writeJSON(w, m.show())
	})
	theirs := p.server.Routes()
	mux.Handle("/proxies/{proxy}/toxics", theirs)
	mux.Handle("/proxies/{proxy}/toxics/{toxic}", theirs)
	mux.Handle("GET "+wire.Version, theirs)
	return mux
}

// shownProxy is a proxy as Toxiproxy's API shows it.
type shownProxy struct {
	Name     string         `json:"name"`
	Listen   string         `json:"listen"`
	Upstream string         `json:"upstream"`
	Enabled  bool           `json:"enabled"`
	Toxics   []toxics.Toxic `json:"toxics"`
}

func (p *proxy) show() shownProxy {
	return shownProxy{p.inner.Name, p.inner.Listen, p.inner.Upstream, p.listening(), p.inner.Toxics.GetToxicArray()}
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // a client that goes away is no error here
}

func (p *Proxies) list() map[string]*proxy {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]*proxy{}
	for name, m := range p.made {
		out[name] = m.proxy
	}
	return out
}

// Put makes each named proxy as it is wanted; the others stay. It tries all of
// them and reports every one that it could not make so.
func (p *Proxies) Put(want []wire.Proxy) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, w := range want {
		if err := p.apply(w); err != nil {
			errs = append(errs, fmt.Errorf("proxy %s: %w", w.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (p *Proxies) apply(w wire.Proxy) error {
	if err := errors.Join(checkFlow(w.Up), checkFlow(w.Down)); err != nil {
		return err
	}
	m, known := p.made[w.Name]
	if !known {
		made, err := p.create(w)
		if err != nil {
			return err
		}
		m = &madeProxy{made, w}
		p.made[w.Name] = m
	}
	if m.as.Listen != w.Listen || m.as.Upstream != w.Upstream {
		return fmt.Errorf("moved from %s→%s to %s→%s", m.as.Listen, m.as.Upstream, w.Listen, w.Upstream)
	}
	if w.Closed {
		m.close()
	}
	if w.Reset {
		m.reset(true)
	}
	for name, f := range map[string]wire.Flow{upToxic: w.Up, downToxic: w.Down} {
		flow, err := m.flow(name)
		if err != nil {
			return err
		}
		flow.set(f)
	}
	if !w.Reset {
		m.reset(false)
	}
	m.as = w
	if w.Closed {
		return nil
	}
	return m.open()
}

// create makes a proxy whose port is closed.
func (p *Proxies) create(w wire.Proxy) (*proxy, error) {
	made := newProxy(p.server, w.Name, w.Listen, w.Upstream)
	for name, direction := range map[string]string{upToxic: "upstream", downToxic: "downstream"} {
		body := fmt.Sprintf(`{"name":%q,"type":%q,"stream":%q,"toxicity":1}`, name, FlowType, direction)
		if _, err := made.inner.Toxics.AddToxicJson(strings.NewReader(body)); err != nil {
			return nil, err
		}
		f, err := made.flow(name)
		if err != nil {
			return nil, err
		}
		made.flows = append(made.flows, f)
	}
	// Their API finds toxics by this list.
	return made, p.server.Collection.Add(made.inner, false)
}

// flow finds our toxic of a direction. It waits for whatever else changes the
// toxics of this proxy, so that one that hangs is noticed.
func (p *proxy) flow(name string) (*Flow, error) {
	t := p.inner.Toxics.GetToxic(name)
	if t == nil {
		return nil, fmt.Errorf("toxic %q is missing", name)
	}
	f, ok := t.Toxic.(*Flow)
	if !ok {
		return nil, fmt.Errorf("toxic %q is not of type %s", name, FlowType)
	}
	return f, nil
}

// Close removes every proxy. Bytes that were held are thrown away.
func (p *Proxies) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.made {
		m.close()
		for _, name := range []string{upToxic, downToxic} {
			if f, err := m.flow(name); err == nil {
				f.end()
			}
		}
	}
	clear(p.made)
	return p.server.Collection.Clear()
}
