// Package registry is the platform's directory: who serves what, where, and in
// which role. A node says so itself, through the replicated log, when it comes
// up and whenever a role changes; arbitration says who is down. Every node can
// answer from its own state. It finds nothing out and moves no traffic.
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

// look is how often a node compares what the registry says of it with what is.
const look = 50 * time.Millisecond

// The roles of services. What is neither led nor followed just serves.
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
	// Commit commits through whoever leads, if there is one.
	Commit func(ctx context.Context, c *api.Command) (*api.Applied, error)
	Note   func(k events.Kind, says string, fields map[string]string)
}

// Run registers the node until ctx ends. It compares rather than remembers, so
// whatever the registry says wrongly of this node is put right.
func (r *Registrar) Run(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	told := ""
	for {
		self := r.Self()
		if !reflect.DeepEqual(self, r.State.Registry()[r.Node]) {
			// A failure is tried again at the next look, with what is true then.
			_, _ = r.Commit(ctx, self.Command(r.Node))
		} else if says := inWords(self); says != told {
			told = says
			r.Note(events.Registered, r.Node+" is registered: "+says, fields(self))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func inWords(r state.Registration) string {
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
	out := map[string]string{"life": r.Incarnation}
	for _, o := range r.Offers {
		out[o.Service] = o.Role
	}
	return out
}
