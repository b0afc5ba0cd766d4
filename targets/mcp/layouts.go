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

// nodeSpec describes a node of a layout, in any region.
type nodeSpec struct {
	suffix  string // of its name, after the region's name
	service string // by which selectors find it
	roles   []nodespec.Role
}

// layouts are the nodes of a region, given its number of control nodes.
var layouts = map[string]func(control int) []nodeSpec{
	"compact":      compact,
	"standby-hot":  compact,
	"standby-warm": compact,
	"standby-cold": compact,
	// full has a node for each role.
	"full": func(control int) []nodeSpec {
		var out []nodeSpec
		for i := range control {
			out = append(out, nodeSpec{strconv.Itoa(i + 1), string(nodespec.Control), []nodespec.Role{nodespec.Control}})
		}
		for _, r := range []nodespec.Role{nodespec.Gateway, nodespec.Bus, nodespec.Identity, nodespec.Settings} {
			out = append(out, nodeSpec{string(r), string(r), []nodespec.Role{r}})
		}
		return out
	},
}

// compact gives every node every role, except that a region has one message server.
func compact(control int) []nodeSpec {
	var out []nodeSpec
	for i := range control {
		roles := nodespec.Roles()
		if i > 0 {
			roles = slices.DeleteFunc(roles, func(r nodespec.Role) bool { return r == nodespec.Bus })
		}
		out = append(out, nodeSpec{strconv.Itoa(i + 1), Name, roles})
	}
	return out
}

// levels are the standby levels of the main region and the two others by layout. In all other layouts every
// region votes. In the cold layout the third region is the witness that the main one is lost.
var levels = map[string][]nodespec.Standby{
	"standby-warm": {nodespec.Hot, nodespec.Warm, nodespec.Warm},
	"standby-cold": {nodespec.Hot, nodespec.Cold, nodespec.Warm},
}

// standbyLevels are the levels of the regions in a layout.
func standbyLevels(layout string, regions []topology.SpecRegion) ([]nodespec.Standby, error) {
	of, ok := levels[layout]
	if !ok {
		return make([]nodespec.Standby, len(regions)), nil
	}
	if len(regions) != len(of) {
		return nil, fmt.Errorf("mcp topology: layout: %s is for three regions, and there are %d: %s", layout, len(regions), regionNames(regions))
	}
	for _, r := range regions[1:] {
		if r.Weight > regions[0].Weight {
			return nil, fmt.Errorf("mcp topology: layout: in %s the first region is the main one, and %s has a higher weight than %s", layout, r.Name, regions[0].Name)
		}
	}
	return of, nil
}

func layoutOf(name string) (func(control int) []nodeSpec, error) {
	l, ok := layouts[name]
	if !ok {
		return nil, fmt.Errorf("mcp topology: layout: no %q: known are %s", name, strings.Join(slices.Sorted(maps.Keys(layouts)), ", "))
	}
	return l, nil
}

func (s nodeSpec) has(r nodespec.Role) bool { return slices.Contains(s.roles, r) }

// roleList is the roles in the syntax of --peers.
func (s nodeSpec) roleList() string {
	out := make([]string, len(s.roles))
	for i, r := range s.roles {
		out[i] = string(r)
	}
	return strings.Join(out, "+")
}

func (s nodeSpec) ports() []topology.Port {
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
