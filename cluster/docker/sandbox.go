package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Ports that linkd takes in a pod, besides links.EchoNumber. They are outside
// the range from which kernels give out ephemeral ports. Only the first two are
// published, since each published port costs an engine up to 0.2 s; clients
// come in by linkd's door.
const (
	controlPort  = 17001
	adminPort    = 17002
	firstIngress = 17100
	lastIngress  = 17999
)

// pollEvery is how often a condition is looked at again.
const pollEvery = 10 * time.Millisecond

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// sandbox is a pod's first container.
type sandbox struct {
	*process
	server links.Server
}

var _ cluster.Sandbox = sandbox{}

func (s sandbox) Server() links.Server { return s.server }

// Signal implements cluster.Sandbox. A graceful stop has no use here, and would
// leave its waiting behind.
func (s sandbox) Signal(ctx context.Context, how cluster.Signal) error {
	if how == cluster.Terminate {
		return fmt.Errorf("%s the sandbox of %s: a sandbox can only be killed or paused", how, s.node)
	}
	return s.process.Signal(ctx, how)
}

// Status implements cluster.Sandbox. The kernel may kill the link proxy for the
// memory of the container while the supervisor lives on, and the engine's state
// then does not mention it. Its list of events does.
func (s sandbox) Status(ctx context.Context) (cluster.ProcessStatus, error) {
	is, err := s.process.Status(ctx)
	if err != nil || is.OOMKilled {
		return is, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	found := s.api.Events(ctx, client.EventsListOptions{
		Since: unixTime(is.Started), Until: unixTime(time.Now().Add(eventDelay)),
		Filters: make(client.Filters).Add("container", s.id).Add("event", string(events.ActionOOM)),
	})
	select {
	case <-found.Messages:
		is.OOMKilled = true
	case err := <-found.Err:
		if !errors.Is(err, io.EOF) {
			return is, fmt.Errorf("events of the sandbox of %s: %w", s.node, err)
		}
	}
	return is, nil
}

// eventDelay is how long after a process was killed the engine may take to list
// that as an event.
const eventDelay = time.Second

// unixTime is a time as the engine's list of events takes it.
func unixTime(t time.Time) string { return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond()) }

// StartSandbox starts the node's sandbox and waits until its linkd answers.
func (r *Runtime) StartSandbox(ctx context.Context, n topology.Node) (cluster.Sandbox, error) {
	s, err := r.startSandbox(ctx, n)
	if err != nil {
		return nil, err // no typed nil
	}
	return s, nil
}

func (r *Runtime) startSandbox(ctx context.Context, n topology.Node) (_ sandbox, err error) {
	peers, hosts, err := standIns(r.spec.Topology, n.ID)
	if err != nil {
		return sandbox{}, err
	}
	entries, err := entriesOf(r.spec.Topology, n)
	if err != nil {
		return sandbox{}, err
	}
	bindings := network.PortMap{}
	for _, p := range []int{controlPort, adminPort} {
		bindings[port(p)] = []network.PortBinding{{HostIP: loopback}}
	}
	name := r.network + "-" + string(n.ID) + "-sandbox"
	if err := r.note("container", name, "remove the container"); err != nil {
		return sandbox{}, err
	}
	id, err := r.create(ctx, testcontainers.ContainerRequest{
		Name: name, Image: r.linkd.ref, Cmd: linkdArgs(), Networks: []string{r.network},
		ExposedPorts: exposed(bindings),
		Labels:       runLabels(r.spec.Run, map[string]string{LabelNode: string(n.ID), LabelPart: "sandbox"}),
		ConfigModifier: func(c *container.Config) {
			c.Hostname = string(n.ID) // the engine writes it, with the pod's address, into /etc/hosts
		},
		HostConfigModifier: func(h *container.HostConfig) {
			confine(h, sandboxMemory, sandboxPids)
			h.ExtraHosts = hosts
			h.PortBindings = bindings
		},
	})
	if err != nil {
		return sandbox{}, fmt.Errorf("make sandbox: %w", err)
	}
	p := &process{id: id, node: n.ID, api: r.engine.api}
	if err := p.start(ctx); err != nil {
		return sandbox{}, fmt.Errorf("sandbox: %w", err)
	}
	got, err := r.engine.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return sandbox{}, fmt.Errorf("inspect sandbox: %w", err)
	}
	end := got.Container.NetworkSettings.Networks[r.network]
	if end == nil || !end.IPAddress.IsValid() {
		return sandbox{}, fmt.Errorf("sandbox has no address on network %s: %s", r.network, r.lastWords(ctx, id))
	}
	dial := published(got.Container.NetworkSettings.Ports)
	s := links.Server{
		Node: n.ID, Control: dial[controlPort], Admin: dial[adminPort],
		Host: end.IPAddress.String(), Peers: peers,
		Ingress: map[topology.Region]map[string]links.Ingress{},
	}
	if s.Control == "" || s.Admin == "" {
		return sandbox{}, fmt.Errorf("sandbox ports are not published on 127.0.0.1: %s", r.lastWords(ctx, id))
	}
	for e, p := range entries {
		if s.Ingress[e.from] == nil {
			s.Ingress[e.from] = map[string]links.Ingress{}
		}
		at := net.JoinHostPort(loopback.String(), strconv.Itoa(p))
		s.Ingress[e.from][e.port] = links.Ingress{Listen: at, Dial: at, Tunnel: s.Control}
	}
	// That a published port accepts would be no sign of life: the engine's own
	// proxy does that.
	if err := s.Await(ctx, nil); err != nil {
		return sandbox{}, fmt.Errorf("linkd: %w; %s", err, r.lastWords(ctx, id))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pods[n.ID] = pod{container: id, address: s.Host}
	return sandbox{process: p, server: s}, nil
}

// standIns gives each peer of a node a loopback address of its own, the same
// in every pod, and says so in the form of extra hosts.
func standIns(t topology.Topology, self topology.NodeID) (map[topology.NodeID]string, []string, error) {
	if len(t.Nodes) > 254 {
		return nil, nil, fmt.Errorf("%d nodes are too many: at most 254 have a loopback address", len(t.Nodes))
	}
	peers, hosts := map[topology.NodeID]string{}, []string(nil)
	for i, p := range t.Nodes {
		if p.ID == self {
			continue
		}
		addr := fmt.Sprintf("127.0.1.%d", i+1)
		peers[p.ID] = addr
		hosts = append(hosts, string(p.ID)+":"+addr)
	}
	return peers, hosts, nil
}

// entry is where the clients of a region come in for a port of the node.
type entry struct {
	from topology.Region
	port string
}

// entriesOf gives each entry a port in the pod.
func entriesOf(t topology.Topology, n topology.Node) (map[entry]int, error) {
	names := []string{links.EchoPort}
	for _, p := range n.Ports {
		if p.Number == links.EchoNumber || (p.Number >= controlPort && p.Number <= lastIngress) {
			return nil, fmt.Errorf("port %s=%d of %s belongs to linkd: keep off %d and %d to %d",
				p.Name, p.Number, n.ID, links.EchoNumber, controlPort, lastIngress)
		}
		names = append(names, p.Name)
	}
	out := map[entry]int{}
	for _, z := range t.RegionSpecs {
		for _, name := range names {
			out[entry{z.Region, name}] = firstIngress + len(out)
		}
	}
	if last := firstIngress + len(out) - 1; last > lastIngress {
		return nil, fmt.Errorf("%d client regions and %d ports need more entries than there are", len(t.RegionSpecs), len(names))
	}
	return out, nil
}

func port(n int) network.Port {
	p, _ := network.PortFrom(uint16(n), network.TCP)
	return p
}

func exposed(m network.PortMap) []string {
	var out []string
	for p := range m {
		out = append(out, p.String())
	}
	slices.Sort(out)
	return out
}

// published maps ports of the pod to where this process dials them.
func published(m network.PortMap) map[int]string {
	out := map[int]string{}
	for p, bs := range m {
		for _, b := range bs {
			if b.HostIP == loopback {
				out[int(p.Num())] = net.JoinHostPort(loopback.String(), b.HostPort)
			}
		}
	}
	return out
}
