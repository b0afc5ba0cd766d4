package mcp

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/mcp/bus"
	"github.com/mcp-resilience/holdfast/mcp/node"
	"github.com/mcp-resilience/holdfast/mcp/standby"
	"github.com/mcp-resilience/holdfast/topology"
)

// seat is a node of a region, before it has a name.
type seat struct {
	suffix  string // of its name, after the region's
	service string // by which selectors call it
	roles   []node.Role
}

// layouts are which nodes a region has, given its number of control nodes.
var layouts = map[string]func(control int) []seat{
	"compact":      compact,
	"standby-hot":  compact,
	"standby-warm": compact,
	"standby-cold": compact,
	// full has a node for each role.
	"full": func(control int) []seat {
		var out []seat
		for i := range control {
			out = append(out, seat{strconv.Itoa(i + 1), string(node.Control), []node.Role{node.Control}})
		}
		for _, r := range []node.Role{node.Gateway, node.Bus, node.Identity, node.Settings} {
			out = append(out, seat{string(r), string(r), []node.Role{r}})
		}
		return out
	},
}

// compact has every role in every node, but one message server a region.
func compact(control int) []seat {
	var out []seat
	for i := range control {
		roles := node.Roles()
		if i > 0 {
			roles = slices.DeleteFunc(roles, func(r node.Role) bool { return r == node.Bus })
		}
		out = append(out, seat{strconv.Itoa(i + 1), Name, roles})
	}
	return out
}

// levels are the regions that stand by in a layout, and how; the others vote.
// The south of the cold layout is there to agree that the east is lost.
var levels = map[string]map[topology.Region]standby.Level{
	"standby-warm": {"north": standby.Warm, "south": standby.Warm},
	"standby-cold": {"north": standby.Cold, "south": standby.Warm},
}

func layoutOf(name string) (func(control int) []seat, error) {
	l, ok := layouts[name]
	if !ok {
		return nil, fmt.Errorf("mcp topology: layout: no %q: known are %s", name, strings.Join(slices.Sorted(maps.Keys(layouts)), ", "))
	}
	return l, nil
}

func (s seat) has(r node.Role) bool { return slices.Contains(s.roles, r) }

// listed is the roles as --peers takes them.
func (s seat) listed() string {
	out := make([]string, len(s.roles))
	for i, r := range s.roles {
		out[i] = string(r)
	}
	return strings.Join(out, "+")
}

func (s seat) ports() []topology.Port {
	out := []topology.Port{
		{Name: "api", Number: node.APIPort},
		{Name: "raft", Number: node.RaftPort},
		{Name: "events", Number: node.EventsPort},
	}
	if s.has(node.Gateway) {
		out = append(out, topology.Port{Name: "dns", Number: node.DNSPort})
	}
	if s.has(node.Bus) {
		out = append(out, topology.Port{Name: "bus", Number: bus.ClientPort}, topology.Port{Name: "bus-routes", Number: bus.RoutePort})
	}
	return out
}
