package registry

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// Directory answers from a node's own state. All fields are needed.
type Directory struct {
	api.UnimplementedRegistryServer
	Node      string
	State     *state.State
	Members   func() map[string]string // the present members with their regions
	HasLeader func() bool              // whether this node knows a leader
}

// Services implements api.RegistryServer.
func (d *Directory) Services(_ context.Context, r *api.ServicesRequest) (*api.ServicesReply, error) {
	out := &api.ServicesReply{Node: d.Node, Stale: !d.HasLeader(), Services: d.List(r.Service)}
	out.Revision, _ = d.State.Applied()
	return out, nil
}

// List returns the nodes that offer a service, or all services when the name is empty,
// by service and then by node.
func (d *Directory) List(service string) []*api.Service {
	registry, lost := d.State.Registry(), d.State.HealthView().Lost
	members := d.Members()
	maps.DeleteFunc(registry, func(node string, _ state.Registration) bool { _, member := members[node]; return !member })
	var latest uint64 // the latest term of a leader
	for _, r := range registry {
		for _, o := range r.Offers {
			latest = max(latest, o.Term)
		}
	}
	var out []*api.Service
	for node, r := range registry {
		for _, o := range r.Offers {
			if service != "" && o.Service != service {
				continue
			}
			role := o.Role
			if role == Leader && o.Term < latest { // it was deposed and has not registered that yet
				role = Follower
			}
			out = append(out, &api.Service{
				Name: o.Service, Node: node, Region: r.Region, Port: uint32(o.Port),
				Role: role, Incarnation: r.Incarnation, Down: slices.Contains(lost, node),
			})
		}
	}
	slices.SortFunc(out, func(a, b *api.Service) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Node, b.Node))
	})
	return out
}
