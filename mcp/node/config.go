// Package node is the platform's process: it reads its settings, puts the
// parts together, and takes them apart again in the order in which they can be
// missed. What the parts do is said in their own packages.
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

// Config is a node's settings. All but Hosts and those from Defects on are needed.
type Config struct {
	Name    string          // as its peers call it
	Region  string          // that it is in
	Host    string          // address to bind
	Data    string          // folder for log and snapshots
	Peers   map[string]Peer // every node, this one too
	Weights map[string]int  // traffic share of every region
	Hosts   string          // hosts(5) file consulted before the system's resolver
	Secret  string          // of the platform, see trust
	Profile Profile
	Defects []string
	// Join is for a node that is added to a platform that lives: it begins with an
	// empty log and waits for the leader to send it one.
	Join bool
	// TraceRatio is the share of requests that are traced.
	TraceRatio float64
	// AlertWebhook is a URL that alerts are posted to; empty means none.
	AlertWebhook string
	// Snapshots is the URL of the object store; empty means none.
	Snapshots string
	// SnapshotEvery is how often a snapshot is stored there.
	SnapshotEvery time.Duration

	voters []string // of the present generation
}

// Profile is all timings of a node, and what users may ask of it.
type Profile struct {
	Consensus consensus.Timing
	Probes    health.Timing
	Arbiter   arbiter.Timing
	Tokens    identity.Timing
	Pulse     gateway.HealthCheckTiming
	Limits    gateway.Limits
}

// Profiles are the sets of timings by name; "adaptive" is the default. "seed" has
// the figures of the original design; "adaptive" has its heartbeat, election and
// lease, and is quicker in all else.
func Profiles() map[string]Profile {
	return map[string]Profile{
		nodespec.AdaptiveProfile: {
			Consensus: consensus.Timing{Heartbeat: 500 * time.Millisecond, Election: 1000 * time.Millisecond, Lease: 500 * time.Millisecond, Commit: 10 * time.Millisecond},
			Probes:    health.Timing{Timeout: 400 * time.Millisecond, Interval: 500 * time.Millisecond, Strikes: 3, Window: 20, Floor: 20 * time.Millisecond},
			Arbiter:   arbiter.Timing{Step: time.Second, Settle: 3 * time.Second},
			Tokens:    identity.Timing{Life: time.Minute, Refresh: 10 * time.Second, Rotate: 5 * time.Minute, Session: time.Hour},
			Pulse:     gateway.HealthCheckTiming{Interval: 250 * time.Millisecond, Timeout: time.Second, Strikes: 2},
			Limits:    gateway.Limits{Gateway: 20_000, Client: 10_000},
		},
		nodespec.SeedProfile: {
			Consensus: consensus.Timing{Heartbeat: 500 * time.Millisecond, Election: 1000 * time.Millisecond, Lease: 500 * time.Millisecond, Commit: 50 * time.Millisecond},
			Probes:    health.Timing{Timeout: 3 * time.Second, Interval: 5 * time.Second, Strikes: 3},
			Arbiter:   arbiter.Timing{Step: 5 * time.Second, Settle: 30 * time.Second},
			Tokens:    identity.Timing{Life: 15 * time.Minute, Refresh: 5 * time.Minute, Rotate: 24 * time.Hour, Session: 12 * time.Hour},
			Pulse:     gateway.HealthCheckTiming{Interval: time.Second, Timeout: 3 * time.Second, Strikes: 2},
			Limits:    gateway.Limits{Gateway: 20_000, Client: 10_000},
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

// names lists every node, sorted.
func (c Config) names() []string { return slices.Sorted(maps.Keys(c.Peers)) }

// raftAddresses maps nodes to their logical raft addresses.
func raftAddresses(names []string) map[string]string {
	out := map[string]string{}
	for _, n := range names {
		out[n] = net.JoinHostPort(n, strconv.Itoa(nodespec.RaftPort))
	}
	return out
}
