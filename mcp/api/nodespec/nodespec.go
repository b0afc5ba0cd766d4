// Package nodespec has the names that a program needs to start the platform's nodes and
// to dial them: ports, roles, standby levels, profiles and defects. It links no server; package
// node implements what the names stand for.
package nodespec

// The ports of every node. They are the same everywhere, so a name is enough to
// reach a peer.
const (
	APIPort    = 7400 // every gRPC service
	RaftPort   = 7401 // consensus, between nodes only
	BusPort    = 7420 // NATS clients, on nodes that carry the message bus
	RoutePort  = 7421 // NATS routes between the servers of the bus
	DNSPort    = 7453 // DNS over TLS, on gateways
	EventsPort = 7480 // HTTPS: /events, /status, /metrics, /traces
	LocalPort  = 7490 // plain HTTP on loopback alone: /healthz, /metrics
)

// DNSZone is the name under which clients look the platform up.
const DNSZone = "mcp."

// SecretEnv is the environment variable from which a node takes the platform's secret.
const SecretEnv = "MCP_SECRET"

// Role is one function of a node. A node may have several: in the compact layout
// each has all of them, in the full layout each has one.
type Role string

// The roles. Every node, whatever its role, holds the replicated log and so can
// answer from what it knows when it is cut off; only control nodes vote.
const (
	Control  Role = "control"  // votes, keeps the ledger and the journals, probes, arbitrates
	Gateway  Role = "gateway"  // the entrance of users, and the GSLB that leads there
	Bus      Role = "bus"      // carries messages
	Identity Role = "identity" // issues tokens
	Settings Role = "config"   // the configuration centre
)

// Roles lists all roles.
func Roles() []Role { return []Role{Control, Gateway, Bus, Identity, Settings} }

// Standby is how ready a node that may take over is.
type Standby string

// The standby levels. The empty one is hot: the node votes.
const (
	Hot  Standby = ""     // votes, so consensus itself carries on
	Warm Standby = "warm" // learns the log without a vote, a moment behind
	Cold Standby = "cold" // holds nothing and restores the newest snapshot
)

// The profiles: sets of timings and limits, by name.
const (
	AdaptiveProfile = "adaptive" // the default
	SeedProfile     = "seed"     // the figures of the original design
)

// Profiles lists all profiles.
func Profiles() []string { return []string{AdaptiveProfile, SeedProfile} }
