// Package registry is the platform's directory: which node serves what, where, and in which
// role. A node registers itself through the replicated log when it starts and whenever a
// role changes; arbitration decides which nodes are down. Every node answers from its own
// state. The registry neither probes nodes nor moves traffic.
package registry

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// pollInterval is how often a node compares its registration with its present roles.
const pollInterval = 50 * time.Millisecond

// The roles of services. A service that has no leader is Serving.
const (
	Leader   = "leader"
	Follower = "follower"
	Serving  = "serving"
)

// Registrar keeps one node's registration true. All fields are needed.
type Registrar struct {
	Node  string
	Self  func() state.Registration // as it is now
	State *state.State
	// Commit commits through the present leader, if there is one.
	Commit func(ctx context.Context, c *api.Command) (*api.Applied, error)
	Note   func(k events.Kind, description string, fields map[string]string)
}

// Run registers the node until ctx ends. It compares the registration with the present roles
// each time, so a wrong one is corrected whatever the cause.
func (r *Registrar) Run(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	noted := ""
	for {
		self := r.Self()
		if !reflect.DeepEqual(self, r.State.Registry()[r.Node]) {
			// After a failure the next poll tries again, with the roles of that time.
			_, _ = r.Commit(ctx, self.Command(r.Node))
		} else if roles := describe(self); roles != noted {
			noted = roles
			r.Note(events.Registered, r.Node+" is registered: "+roles, fields(self))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func describe(r state.Registration) string {
	var out []string
	for _, o := range r.Offers {
		if o.Term > 0 {
			out = append(out, fmt.Sprintf("%s %s of term %d", o.Service, o.Role, o.Term))
		} else {
			out = append(out, o.Service+" "+o.Role)
		}
	}
	return cmp.Or(strings.Join(out, ", "), "nothing")
}

func fields(r state.Registration) map[string]string {
	out := map[string]string{"incarnation": r.Incarnation}
	for _, o := range r.Offers {
		out[o.Service] = o.Role
	}
	return out
}
