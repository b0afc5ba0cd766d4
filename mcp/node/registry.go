package node

import (
	"slices"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/gslb"
	"github.com/mcp-resilience/holdfast/mcp/registry"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// Priorities of DNS answers: a client uses the lowest that it can reach.
const (
	nearPriority = 10 // the region of the server that answers, or every region where only weights decide
	farPriority  = 20
)

func (n *node) directory() *registry.Directory {
	return &registry.Directory{
		Node: n.cfg.Name, State: n.consensus.Committed(),
		Members:   func() map[string]string { return n.cluster().Regions },
		HasLeader: func() bool { leader, _ := n.consensus.Leader(); return leader != "" },
	}
}

func (n *node) registrar() *registry.Registrar {
	return &registry.Registrar{Node: n.cfg.Name, Self: n.defects.registration(n.registration), State: n.consensus.Committed(), Commit: n.gateway.SubmitOnce, Note: n.note}
}

// registration is this node's registration as it should be now.
func (n *node) registration() state.Registration {
	r := state.Registration{Region: n.cfg.Region, Incarnation: n.eventLog.Incarnation()}
	for _, role := range n.cfg.Peers[n.cfg.Name].Roles {
		r.Roles = append(r.Roles, string(role))
		r.Offers = append(r.Offers, n.offer(role))
	}
	return r
}

// offer is the service that the node offers by one of its roles.
func (n *node) offer(role nodespec.Role) state.Offer {
	o := state.Offer{Service: string(role), Port: nodespec.APIPort, Role: registry.Serving}
	switch role {
	case nodespec.Bus:
		o.Port = nodespec.BusPort
	case nodespec.Control:
		o.Role = registry.Follower
		if term, leads := n.consensus.Leads(); leads {
			o.Role, o.Term = registry.Leader, term
		}
	}
	return o
}

// dnsRecords are the DNS answers for a service; ok is false when there is no such service.
// The empty name stands for the platform itself, that is, its gateways.
func (n *node) dnsRecords(service string) (out []gslb.Record, ok bool) {
	if service == "" {
		return n.gatewayRecords(), true
	}
	if service == string(nodespec.Gateway) || !slices.Contains(nodespec.Roles(), nodespec.Role(service)) {
		return nil, false
	}
	for _, s := range n.directory().List(service) {
		if s.Down {
			continue
		}
		r := gslb.Record{Node: s.Node, Port: int(s.Port), Priority: farPriority, Weight: n.cfg.Weights[s.Region]}
		if s.Region == n.cfg.Region {
			r.Priority = nearPriority
		}
		out = append(out, r)
	}
	return out, true
}

// gatewayRecords are the DNS records of the gateways, each with its region's weight, lost
// ones with weight 0. A node that knows no leader gives its own region weight 0.
func (n *node) gatewayRecords() []gslb.Record {
	c, standing := n.cluster(), n.consensus.Committed().HealthView()
	leader, _ := n.consensus.Leader()
	weights := standing.Weights(n.cfg.Weights)
	var out []gslb.Record
	for _, name := range c.Gateways {
		region := c.Regions[name]
		r := gslb.Record{Node: name, Port: nodespec.APIPort, Priority: nearPriority, Weight: weights[region]}
		if n.defects.withdraw(slices.Contains(standing.Lost, name) || (leader == "" && region == n.cfg.Region)) {
			r.Weight = 0
		}
		out = append(out, r)
	}
	return out
}
