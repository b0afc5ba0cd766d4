package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// pollInterval is the pause between two looks at a state that is waited for.
const pollInterval = 10 * time.Millisecond

// sandbox is a pod's first container.
type sandbox struct {
	*process
	of         *Runtime
	entries    map[ingressPort]int
	peers      map[topology.NodeID]string
	credential string

	mu     sync.Mutex
	server links.Server
	pid    int // of its first process, as the engine's machine counts
}

var (
	_ cluster.Sandbox          = (*sandbox)(nil)
	_ cluster.SandboxRestarter = (*sandbox)(nil)
	_ cluster.CPUMeter         = (*sandbox)(nil)
)

// Server implements cluster.Sandbox.
func (s *sandbox) Server() links.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server
}

// RestartSandbox implements cluster.SandboxRestarter. The engine publishes the ports of a container that is started again
// on other ports of its host, and gives it a new network namespace; its node is left behind in the old one, where
// there is nothing but a loopback interface, until it is started again too. The address was the same in all of four
// restarts with Docker 20.10, for the network is the run's own and the engine gives the first that is free.
func (s *sandbox) RestartSandbox(ctx context.Context) (cluster.RestartedSandbox, error) {
	if err := s.Restart(ctx); err != nil {
		return cluster.RestartedSandbox{}, err
	}
	was := s.Server().Host
	if err := s.locate(ctx); err != nil {
		return cluster.RestartedSandbox{}, err
	}
	is := s.Server()
	if is.Host != was {
		return cluster.RestartedSandbox{}, cluster.Unsupported{Reason: fmt.Sprintf("the engine gave the sandbox the address %s instead of %s, which its node and its peers were told", is.Host, was)}
	}
	return cluster.RestartedSandbox{Server: is, NodeDetached: true}, nil
}

// locate asks the engine where the sandbox is and waits until its linkd answers there.
func (s *sandbox) locate(ctx context.Context) error {
	got, err := s.api.ContainerInspect(ctx, s.id, client.ContainerInspectOptions{})
	if err != nil {
		return fmt.Errorf("inspect sandbox: %w", err)
	}
	end := got.Container.NetworkSettings.Networks[s.of.network]
	if end == nil || !end.IPAddress.IsValid() {
		return fmt.Errorf("sandbox has no address on network %s: %s", s.of.network, s.of.tailLog(ctx, s.id))
	}
	dial := published(got.Container.NetworkSettings.Ports)
	server := links.Server{
		Node: s.node, Control: dial[controlPort], Admin: dial[adminPort], Credential: s.credential,
		Host: end.IPAddress.String(), Peers: s.peers,
		Ingress: map[topology.Region]map[string]links.Ingress{},
	}
	if server.Control == "" || server.Admin == "" {
		return fmt.Errorf("sandbox ports are not published on 127.0.0.1: %s", s.of.tailLog(ctx, s.id))
	}
	for e, p := range s.entries {
		if server.Ingress[e.from] == nil {
			server.Ingress[e.from] = map[string]links.Ingress{}
		}
		at := ingressAddr(p)
		server.Ingress[e.from][e.port] = links.Ingress{Listen: at, Dial: at, Tunnel: server.Control, Credential: s.credential}
	}
	// A published port that accepts proves nothing: the engine's own proxy accepts
	// whether anybody listens behind it or not.
	if err := server.Await(ctx, nil); err != nil {
		return fmt.Errorf("linkd: %w; %s", err, s.of.tailLog(ctx, s.id))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = server
	if is := got.Container.State; is != nil {
		s.pid = is.Pid
	}
	return nil
}

// Signal implements cluster.Sandbox. A graceful stop has no use here, and the
// goroutine that waits for its end would outlive the runtime.
func (s *sandbox) Signal(ctx context.Context, how cluster.Signal) error {
	if how == cluster.Terminate {
		return fmt.Errorf("%s the sandbox of %s: a sandbox can only be killed or paused", how, s.node)
	}
	return s.process.Signal(ctx, how)
}

// Status implements cluster.Sandbox. The kernel may kill the link proxy for the
// memory of the container while the supervisor lives on, and the engine's state
// then does not mention it. Its list of events does.
func (s *sandbox) Status(ctx context.Context) (cluster.ProcessStatus, error) {
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

func (r *Runtime) startSandbox(ctx context.Context, n topology.Node) (_ *sandbox, err error) {
	peers, hosts, err := peerAliases(r.spec.Topology, n.ID)
	if err != nil {
		return nil, err
	}
	entries, err := ingressPorts(r.spec.Topology, n)
	if err != nil {
		return nil, err
	}
	bindings := network.PortMap{}
	for _, p := range []int{controlPort, adminPort} {
		bindings[port(p)] = []network.PortBinding{{HostIP: loopback}}
	}
	credential := links.NewCredential()
	name := r.network + "-" + string(n.ID) + "-sandbox"
	if err := r.logCleanup("container", name, "remove the container"); err != nil {
		return nil, err
	}
	id, err := r.create(ctx, testcontainers.ContainerRequest{
		Name: name, Image: r.linkd.ref, Cmd: linkdArgs(entries), Networks: []string{r.network},
		Env:          map[string]string{links.CredentialEnv: credential},
		ExposedPorts: exposed(bindings),
		Labels:       runLabels(r.spec.Run, map[string]string{LabelNode: string(n.ID), LabelPart: "sandbox"}),
		ConfigModifier: func(c *container.Config) {
			c.Hostname = string(n.ID) // the engine writes it, with the pod's address, into /etc/hosts
		},
		HostConfigModifier: func(h *container.HostConfig) {
			harden(h, sandboxMemory, sandboxPids)
			h.ExtraHosts = hosts
			h.PortBindings = bindings
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make sandbox: %w", err)
	}
	p := &process{id: id, node: n.ID, api: r.engine.api}
	if err := p.start(ctx); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &sandbox{process: p, of: r, entries: entries, peers: peers, credential: credential}
	if err := s.locate(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pods[n.ID] = pod{container: id, address: s.server.Host}
	return s, nil
}

// linkdArgs start linkd's supervisor in a sandbox. It listens on every address
// of the pod, for the engine forwards published ports to the pod's address;
// from outside the engine only 127.0.0.1 leads there. The echo keeps to the
// pod's own address, because its port on loopback addresses is the peers'.
// Clients are connected to the ingress proxies and to nothing else.
func linkdArgs(entries map[ingressPort]int) []string {
	var ingress []string
	for _, p := range slices.Sorted(maps.Values(entries)) {
		ingress = append(ingress, ingressAddr(p))
	}
	return []string{
		fmt.Sprintf("-control=0.0.0.0:%d", controlPort),
		fmt.Sprintf("-admin=0.0.0.0:%d", adminPort),
		fmt.Sprintf("-echo=self:%d", links.EchoNumber),
		"-ingress=" + strings.Join(ingress, ","),
	}
}

// ingressAddr is where an ingress proxy listens, inside the pod.
func ingressAddr(port int) string { return net.JoinHostPort(loopback.String(), strconv.Itoa(port)) }
