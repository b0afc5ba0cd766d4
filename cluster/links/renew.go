package links

import (
	"context"
	"fmt"
	"net/http"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
	"github.com/mcp-resilience/holdfast/topology"
)

// Reopen gives the linkd of a sandbox that was started again all of the links that it carries, with the effects that they
// have now. It may be reached at other ports of this machine than before; its host is the same.
func (m *Mesh) Reopen(ctx context.Context, s Server) error {
	if err := m.node(s.Node); err != nil {
		return err
	}
	d := &linkd{Server: s, mesh: m}
	d.mu.Lock() // until it has its links it is not healthy
	defer d.mu.Unlock()
	m.reached.Lock()
	m.linkds[s.Node] = d
	m.reached.Unlock()
	return d.wrap(d.send(ctx, m.carriedBy(s.Node)))
}

// ReplaceProxies replaces the proxies of a node's linkd, which ended or hang, by new ones with the same links and effects.
// The connections that went through them are closed.
func (m *Mesh) ReplaceProxies(ctx context.Context, id topology.NodeID) error {
	if err := m.node(id); err != nil {
		return err
	}
	d := m.linkd(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	rctx, cancel := context.WithTimeout(ctx, replaceTimeout)
	defer cancel()
	if err := d.call(rctx, http.MethodPost, d.Control, wire.Restart, nil, nil); err != nil {
		return d.wrap(fmt.Errorf("replace the proxies: %w", err))
	}
	return d.wrap(d.send(ctx, m.carriedBy(id)))
}

// linkd is that of a node; nil for one that is not of this mesh.
func (m *Mesh) linkd(id topology.NodeID) *linkd {
	m.reached.RLock()
	defer m.reached.RUnlock()
	return m.linkds[id]
}
