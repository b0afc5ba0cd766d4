package mcp

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/topology"
)

// seat is a node of a region, before it has a name.
type seat struct {
	suffix  string // of its name, after the region's
	service string // by which selectors call it
	roles   []nodespec.Role
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
			out = append(out, seat{strconv.Itoa(i + 1), string(nodespec.Control), []nodespec.Role{nodespec.Control}})
		}
		for _, r := range []nodespec.Role{nodespec.Gateway, nodespec.Bus, nodespec.Identity, nodespec.Settings} {
			out = append(out, seat{string(r), string(r), []nodespec.Role{r}})
		}
		return out
	},
}

// compact has every role in every node, but one message server a region.
func compact(control int) []seat {
	var out []seat
	for i := range control {
		roles := nodespec.Roles()
		if i > 0 {
			roles = slices.DeleteFunc(roles, func(r nodespec.Role) bool { return r == nodespec.Bus })
		}
		out = append(out, seat{strconv.Itoa(i + 1), Name, roles})
	}
	return out
}

// levels are the regions that stand by in a layout, and how; the others vote.
// The south of the cold layout is there to agree that the east is lost.
var levels = map[string]map[topology.Region]nodespec.Standby{
	"standby-warm": {"north": nodespec.Warm, "south": nodespec.Warm},
	"standby-cold": {"north": nodespec.Cold, "south": nodespec.Warm},
}

func layoutOf(name string) (func(control int) []seat, error) {
	l, ok := layouts[name]
	if !ok {
		return nil, fmt.Errorf("mcp topology: layout: no %q: known are %s", name, strings.Join(slices.Sorted(maps.Keys(layouts)), ", "))
	}
	return l, nil
}

func (s seat) has(r nodespec.Role) bool { return slices.Contains(s.roles, r) }

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
		{Name: "api", Number: nodespec.APIPort},
		{Name: "raft", Number: nodespec.RaftPort},
		{Name: "events", Number: nodespec.EventsPort},
	}
	if s.has(nodespec.Gateway) {
		out = append(out, topology.Port{Name: "dns", Number: nodespec.DNSPort})
	}
	if s.has(nodespec.Bus) {
		out = append(out, topology.Port{Name: "bus", Number: nodespec.BusPort}, topology.Port{Name: "bus-routes", Number: nodespec.RoutePort})
	}
	return out
}
