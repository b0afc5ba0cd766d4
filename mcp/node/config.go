// Package node is the platform's process. It reads its flags, connects the parts, starts them,
// and stops them in reverse order. What each part does is described in its own package.
package node

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/arbiter"
	"github.com/mcp-resilience/holdfast/mcp/consensus"
	"github.com/mcp-resilience/holdfast/mcp/gateway"
	"github.com/mcp-resilience/holdfast/mcp/health"
	"github.com/mcp-resilience/holdfast/mcp/identity"
)

// Config is a node's configuration. All fields but Hosts and those from Defects on are needed.
type Config struct {
	Name    string          // by which its peers dial it
	Region  string          // of this node
	Host    string          // address to bind
	Data    string          // folder for log and snapshots
	Peers   map[string]Peer // every node, including this one
	Weights map[string]int  // traffic share of every region
	Hosts   string          // hosts(5) file consulted before the system's resolver
	Secret  string          // of the platform, see trust
	Profile Profile
	Defects []string
	// Join is for a node that is added to a running platform: it starts with an empty log
	// and waits for the leader to send it one.
	Join bool
	// TraceRatio is the share of requests that are traced.
	TraceRatio float64
	// AlertWebhook is a URL that alerts are posted to; empty means none.
	AlertWebhook string
	// Snapshots is the URL of the object store; empty means none.
	Snapshots string
	// SnapshotEvery is how often a snapshot is stored there.
	SnapshotEvery time.Duration

	voters []string // in the present epoch
}

// Profile is all timings of a node, and its limits on users' calls.
type Profile struct {
	Consensus    consensus.Timing
	Probes       health.Timing
	Arbiter      arbiter.Timing
	Tokens       identity.Timing
	LeaderHealth gateway.HealthCheckTiming
	Limits       gateway.Limits
}

// Profiles returns the profiles by name. "seed" has the figures of the original design.
// "adaptive", the default, has the same heartbeat, election timeout and lease, and is
// faster in everything else.
func Profiles() map[string]Profile {
	return map[string]Profile{
		nodespec.AdaptiveProfile: {
			Consensus:    consensus.Timing{Heartbeat: 500 * time.Millisecond, Election: 1000 * time.Millisecond, Lease: 500 * time.Millisecond, Commit: 10 * time.Millisecond},
			Probes:       health.Timing{Timeout: 400 * time.Millisecond, Interval: 500 * time.Millisecond, Strikes: 3, Window: 20, Floor: 20 * time.Millisecond},
			Arbiter:      arbiter.Timing{Step: time.Second, FailbackDelay: 3 * time.Second},
			Tokens:       identity.Timing{TokenLifetime: time.Minute, RefreshAfter: 10 * time.Second, KeyRotation: 5 * time.Minute, SessionLifetime: time.Hour},
			LeaderHealth: gateway.HealthCheckTiming{Interval: 250 * time.Millisecond, Timeout: time.Second, Strikes: 2},
			Limits:       gateway.Limits{Gateway: 20_000, Client: 10_000},
		},
		nodespec.SeedProfile: {
			Consensus:    consensus.Timing{Heartbeat: 500 * time.Millisecond, Election: 1000 * time.Millisecond, Lease: 500 * time.Millisecond, Commit: 50 * time.Millisecond},
			Probes:       health.Timing{Timeout: 3 * time.Second, Interval: 5 * time.Second, Strikes: 3},
			Arbiter:      arbiter.Timing{Step: 5 * time.Second, FailbackDelay: 30 * time.Second},
			Tokens:       identity.Timing{TokenLifetime: 15 * time.Minute, RefreshAfter: 5 * time.Minute, KeyRotation: 24 * time.Hour, SessionLifetime: 12 * time.Hour},
			LeaderHealth: gateway.HealthCheckTiming{Interval: time.Second, Timeout: 3 * time.Second, Strikes: 2},
			Limits:       gateway.Limits{Gateway: 20_000, Client: 10_000},
		},
	}
}

func (c Config) validate() error {
	if net.ParseIP(c.Host) == nil {
		return fmt.Errorf("--host %q is not an IP address", c.Host)
	}
	if _, ok := c.Peers[c.Name]; !ok {
		return fmt.Errorf("--peers does not list this node, %s", c.Name)
	}
	for n, p := range c.Peers {
		if _, ok := c.Weights[p.Region]; !ok {
			return fmt.Errorf("--weights has no weight for region %s of node %s", p.Region, n)
		}
	}
	for _, r := range []nodespec.Role{nodespec.Control, nodespec.Gateway} {
		if len(c.with(r)) == 0 {
			return fmt.Errorf("--peers has no node with the role %s", r)
		}
	}
	for _, d := range c.Defects {
		if !slices.Contains(nodespec.Defects(), d) {
			return fmt.Errorf("no defect %q: known are %s", d, strings.Join(nodespec.Defects(), ", "))
		}
	}
	return nil
}

func (c Config) listen(port int) string { return net.JoinHostPort(c.Host, strconv.Itoa(port)) }

// names returns every node, sorted.
func (c Config) names() []string { return slices.Sorted(maps.Keys(c.Peers)) }

// raftAddresses maps nodes to their logical raft addresses.
func raftAddresses(names []string) map[string]string {
	out := map[string]string{}
	for _, n := range names {
		out[n] = net.JoinHostPort(n, strconv.Itoa(nodespec.RaftPort))
	}
	return out
}

// Peer is a node as all other nodes know it.
type Peer struct {
	Region string
	Roles  []nodespec.Role
	// Standby is how ready the node is to take over; a node with the empty level votes.
	Standby nodespec.Standby
}

// Has reports whether the node has a role.
func (p Peer) Has(r nodespec.Role) bool { return slices.Contains(p.Roles, r) }

// with returns the nodes that have a role, sorted by name.
func (c Config) with(r nodespec.Role) []string {
	return slices.DeleteFunc(c.names(), func(n string) bool { return !c.Peers[n].Has(r) })
}

// has reports whether this node has a role.
func (c Config) has(r nodespec.Role) bool { return c.Peers[c.Name].Has(r) }

// notGateway returns the reason why users' mutations are refused here, "" on a gateway.
func (n *node) notGateway() string {
	if n.cfg.has(nodespec.Gateway) {
		return ""
	}
	return "this node is not a gateway: call " + strings.Join(n.cfg.with(nodespec.Gateway), ", ")
}
