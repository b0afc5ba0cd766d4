package links

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/topology"
)

// Mesh is the links of a running cluster. It holds the effects that every link
// should have and makes linkds apply them, so that a linkd that hung or died can
// be replaced by one without proxies, which then gets the same effects.
type Mesh struct {
	topology topology.Topology
	notice   func(string)

	reached sync.RWMutex // guards linkds, of which Reopen replaces one
	linkds  map[topology.NodeID]*linkd

	mu       sync.Mutex
	effects  map[topology.Link]map[string]*flows // effects by id
	replaced []Replacement
}

// flows is what one id does to one link.
type flows struct{ up, down Effect }

// New makes the mesh of a topology out of its linkds, one a node. Notice is
// told what a reader of the run should know, such as a linkd that was replaced.
func New(t topology.Topology, servers []Server, notice func(string)) *Mesh {
	if notice == nil {
		notice = func(string) {}
	}
	m := &Mesh{
		topology: t, notice: notice,
		linkds:  map[topology.NodeID]*linkd{},
		effects: map[topology.Link]map[string]*flows{},
	}
	for _, s := range servers {
		m.linkds[s.Node] = &linkd{Server: s, mesh: m}
	}
	return m
}

// Open creates a proxy for every port of every link, with its baseline latency.
func (m *Mesh) Open(ctx context.Context) error {
	if err := m.validate(); err != nil {
		return fmt.Errorf("open links: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, d := range m.linkds {
		g.Go(func() error { return d.apply(ctx, m.carriedBy(d.Node)) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("open links: %w", err)
	}
	return nil
}

// validate returns what is missing before links can be opened.
func (m *Mesh) validate() error {
	var errs []error
	for _, n := range m.topology.Nodes {
		d := m.linkd(n.ID)
		if d == nil {
			errs = append(errs, fmt.Errorf("node %s has no linkd", n.ID))
			continue
		}
		for _, p := range n.Ports {
			if p.Number == EchoNumber || p.Name == EchoPort {
				errs = append(errs, fmt.Errorf("port %s:%d of %s: name %q and number %d are linkd's echo", p.Name, p.Number, n.ID, EchoPort, EchoNumber))
			}
		}
		for _, peer := range m.topology.Nodes {
			if peer.ID != n.ID && d.Peers[peer.ID] == "" {
				errs = append(errs, fmt.Errorf("linkd of %s has no host that stands for %s", n.ID, peer.ID))
			}
		}
		for _, r := range m.topology.Regions() {
			for _, p := range ports(n) {
				if d.Ingress[r][p.Name].Listen == "" {
					errs = append(errs, fmt.Errorf("linkd of %s has no ingress from %s for port %s", n.ID, r, p.Name))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// ApplyEffect applies an effect to flows under an id that is unique at the time,
// and returns what takes it away again. Effects of several ids compose:
// latencies add, the lowest rate or limit rules, any cut cuts; of several cuts the one
// that takes most away shows (refuse, reset, blackhole, hold). Heal may be
// called in any order among overlapping effects, and again when it failed
// or to no effect. On error the effect is taken away again, as far as linkds can be reached.
func (m *Mesh) ApplyEffect(ctx context.Context, id string, on []topology.Flow, e Effect) (heal func(context.Context) error, err error) {
	mine, err := m.addEffect(id, on, e)
	if err != nil {
		return nil, fmt.Errorf("apply effect %s to links: %w", id, err)
	}
	links := slices.Collect(maps.Keys(mine))
	heal = func(ctx context.Context) error {
		m.removeEffect(id, mine)
		if err := m.reconcile(ctx, links); err != nil {
			return fmt.Errorf("remove effect %s from links: %w", id, err)
		}
		return nil
	}
	if err := m.reconcile(ctx, links); err != nil {
		err = fmt.Errorf("apply effect %s to links: %w", id, err)
		return nil, errors.Join(err, heal(context.WithoutCancel(ctx)))
	}
	return heal, nil
}

// addEffect adds an effect to the wanted state and returns what it does to which link.
func (m *Mesh) addEffect(id string, on []topology.Flow, e Effect) (map[topology.Link]*flows, error) {
	if err := e.valid(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	add := map[topology.Link]*flows{}
	for _, s := range on {
		if err := m.checkLink(s.Link); err != nil {
			return nil, err
		}
		if _, taken := m.effects[s.Link][id]; taken {
			return nil, fmt.Errorf("id is in use on %s", s.Link)
		}
		f := add[s.Link]
		if f == nil {
			f = new(flows)
			add[s.Link] = f
		}
		switch s.Direction {
		case topology.Upstream:
			f.up = e
		case topology.Downstream:
			f.down = e
		case topology.BothWays:
			f.up, f.down = e, e
		default:
			return nil, fmt.Errorf("flow %q of %s: want %s, %s or %s", s.Direction, s.Link, topology.Upstream, topology.Downstream, topology.BothWays)
		}
	}
	for l, f := range add {
		if m.effects[l] == nil {
			m.effects[l] = map[string]*flows{}
		}
		m.effects[l][id] = f
	}
	return add, nil
}

// removeEffect removes what addEffect added, and not what was added later under the same id.
func (m *Mesh) removeEffect(id string, mine map[topology.Link]*flows) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for l, f := range mine {
		if m.effects[l][id] == f {
			delete(m.effects[l], id)
		}
	}
}

// reconcile makes the linkds that carry the links apply the effects that they have now.
func (m *Mesh) reconcile(ctx context.Context, links []topology.Link) error {
	by := map[topology.NodeID][]topology.Link{}
	for _, l := range links {
		by[carrier(l)] = append(by[carrier(l)], l)
	}
	errs := make(chan error, len(by))
	for id, ls := range by {
		go func() { errs <- m.linkd(id).apply(ctx, ls) }()
	}
	var all []error
	for range by {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// Dial connects a client of a region to a node's port by logical address ("north-1:7400").
func (m *Mesh) Dial(ctx context.Context, from topology.Region, addr string) (net.Conn, error) {
	in, err := m.ingress(from, addr)
	if err != nil {
		return nil, fmt.Errorf("dial %s from %s: %w", addr, from, err)
	}
	c, err := in.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("dial %s from %s: %w", addr, from, err)
	}
	return c, nil
}
