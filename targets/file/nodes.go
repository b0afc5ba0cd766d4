package file

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// defaultLatency makes every round trip between regions 30 ms.
const defaultLatency = 15 * time.Millisecond

// Topology implements targets.Target. The nodes of a system of one service are named
// REGION-1, REGION-2, …; those of several REGION-SERVICE-1, ….
func (t *Target) Topology(s topology.Spec) (topology.Topology, error) {
	d := t.document
	switch {
	case s.Layout != "":
		return topology.Topology{}, fmt.Errorf("target %s: layout: no %q: a target file has one layout, leave it out", d.Name, s.Layout)
	case s.Profile != "":
		return topology.Topology{}, fmt.Errorf("target %s: profile: no %q: a target file has no profiles, leave it out", d.Name, s.Profile)
	case len(s.Defects) > 0:
		return topology.Topology{}, fmt.Errorf("target %s: defects: no %q: a target file has none to switch on", d.Name, s.Defects[0])
	}
	out := topology.Topology{Latency: slices.Clone(s.Latency)}
	for i, r := range d.Regions {
		out.RegionSpecs = append(out.RegionSpecs, topology.RegionSpec{Region: r.Name, Weight: r.Weight})
		for _, other := range d.Regions[i+1:] {
			if len(s.Latency) == 0 {
				out.Latency = append(out.Latency, topology.RegionLatency{A: r.Name, B: other.Name, OneWay: cmp.Or(d.Latency, defaultLatency)})
			}
		}
	}
	for _, r := range d.Regions {
		for _, name := range slices.Sorted(maps.Keys(d.Services)) {
			service := d.Services[name]
			if len(service.In) > 0 && !slices.Contains(service.In, r.Name) {
				continue
			}
			for i := range cmp.Or(service.Nodes, s.Nodes, 1) {
				out.Nodes = append(out.Nodes, t.node(r.Name, name, i+1))
			}
		}
	}
	return out, nil
}

func (t *Target) node(in topology.Region, name string, number int) topology.Node {
	service := t.document.Services[name]
	id := fmt.Sprintf("%s-%d", in, number)
	if len(t.document.Services) > 1 {
		id = fmt.Sprintf("%s-%s-%d", in, name, number)
	}
	holdsData := name == t.document.Client.Service
	n := topology.Node{
		ID: topology.NodeID(id), Region: in, Service: name, Standby: service.Standby,
		NoData: !holdsData, Voter: holdsData, Program: service.program(),
	}
	if service.Voter != nil {
		n.Voter = *service.Voter
	}
	for _, port := range slices.Sorted(maps.Keys(service.Ports)) {
		n.Ports = append(n.Ports, topology.Port{Name: port, Number: service.Ports[port]})
	}
	return n
}

// program is how a node of the service is started.
func (s Service) program() topology.Program {
	p := topology.Program{
		Package: s.Package, Image: s.Image, Args: slices.Clone(s.Command), Env: maps.Clone(s.Environment), Files: maps.Clone(s.Files),
		HostsFlag: s.HostsFlag, Grace: s.Grace,
		Container: topology.Container{
			Entrypoint: slices.Clone(s.Entrypoint), User: s.User, WritableRoot: s.WritableRoot,
			Capabilities: slices.Clone(s.Capabilities), Memory: int64(s.Memory), Tmpfs: slices.Clone(s.Tmpfs),
		},
	}
	if s.Package == "" && len(s.Command) > 0 {
		p.Command, p.Args = s.Command[0], slices.Clone(s.Command[1:])
	}
	return p
}
