package links

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
	"github.com/mcp-resilience/holdfast/topology"
)

// Health is how one node's linkd is. The zero value is a healthy one.
type Health struct {
	// Supervisor is why the supervisor does not answer, nil when it does. Where
	// it does not answer nothing is known of the proxies.
	Supervisor error
	// Dead is why the proxies do not run any more, as the supervisor reports it.
	Dead error
	// Hung is why proxies that run do not answer.
	Hung error
}

// Health asks a node's linkd whether its supervisor and its proxies answer.
// Each answer may take until ctx ends. The result is not ok while the linkd is
// being changed or replaced, when silence would mean nothing.
func (m *Mesh) Health(ctx context.Context, id topology.NodeID) (h Health, ok bool) {
	d := m.linkd(id)
	if d == nil {
		return Health{Supervisor: fmt.Errorf("there is no node %q", id)}, true
	}
	if !d.mu.TryLock() {
		return Health{}, false
	}
	defer d.mu.Unlock()
	var reported linkdError
	switch err := d.call(ctx, http.MethodGet, d.Control, wire.Healthz, nil, nil); {
	case errors.As(err, &reported):
		h.Dead = errors.New(strings.TrimPrefix(reported.message, http.MethodGet+" "+wire.Healthz+": "))
	case err != nil:
		h.Supervisor = err
	default:
		h.Hung = d.call(ctx, http.MethodGet, d.Admin, wire.Version, nil, nil)
	}
	return h, true
}

// Replacement is a linkd whose proxies did not answer and were replaced by new
// ones. The connections that went through them were closed.
type Replacement struct {
	Node topology.NodeID
	Why  error // what the old proxies answered last
	At   time.Time
}

// Replacements lists the linkds that were replaced so far, the oldest first.
func (m *Mesh) Replacements() []Replacement {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.replaced)
}

// noteReplacement puts a replacement on the list and into the run's notices.
func (m *Mesh) noteReplacement(id topology.NodeID, why error) {
	m.mu.Lock()
	m.replaced = append(m.replaced, Replacement{Node: id, Why: why, At: time.Now()})
	m.mu.Unlock()
	m.notice(fmt.Sprintf("linkd of %s did not answer (%v) and was replaced; its connections were closed", id, why))
}
