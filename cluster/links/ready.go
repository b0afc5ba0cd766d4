package links

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
	"github.com/mcp-resilience/holdfast/topology"
)

// startTimeout bounds waiting for a linkd that has just been started.
const startTimeout = 15 * time.Second

// Await waits until a linkd that has just been started answers. Gone, which
// may be nil, is closed when it has ended instead.
func (s Server) Await(ctx context.Context, gone <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	d := linkd{Server: s}
	for {
		err := d.call(ctx, http.MethodGet, s.Control, wire.Healthz, nil, nil)
		if err == nil {
			return nil
		}
		select {
		case <-gone:
			return errors.New("linkd ended before it answered")
		case <-ctx.Done():
			return fmt.Errorf("linkd does not answer: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Listening reports whether the node accepts connections on any of its ports, as
// seen from inside its pod and not through a link.
func (m *Mesh) Listening(ctx context.Context, id topology.NodeID) (bool, error) {
	if err := m.node(id); err != nil {
		return false, err
	}
	n, _ := m.topology.Node(id)
	d := m.linkd(id)
	for _, p := range n.Ports {
		got, err := d.probe(ctx, net.JoinHostPort(d.Host, strconv.Itoa(p.Number)), wire.Connect, 0, time.Second)
		if err != nil {
			return false, err
		}
		if got.Error == "" {
			return true, nil
		}
	}
	return false, nil
}
