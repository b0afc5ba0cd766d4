package api

import (
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
)

// What a node serves over HTTPS on its events port, besides its event log (package
// events) and Prometheus metrics.

// NodeStatus is a node's own view of itself and of the platform, served at /status.
type NodeStatus struct {
	Node    string          `json:"node"`
	Region  string          `json:"region"`
	Roles   []nodespec.Role `json:"roles"`
	Role    string          `json:"role"`   // "leader" or "follower"
	Leader  string          `json:"leader"` // as far as it knows, may be empty
	Term    uint64          `json:"term"`
	Applied uint64          `json:"applied"` // log index
	Weights map[string]int  `json:"weights"` // traffic share of each region
	Lost    []string        `json:"lost"`    // by arbitration
	// Primaries are the nodes that the classes semisync and async are written on.
	Primaries map[string]string `json:"primaries"`
	// Services is the registry: for each service its nodes, with their roles and whether they are down.
	Services map[string][]string `json:"services"`

	Streams map[string]string `json:"streams"` // of the bus: which node leads each
}

// Span is one finished part of a traced request, a line of /traces.
type Span struct {
	Seq        uint64            `json:"seq"` // 1, 2, … within the node's life
	Trace      string            `json:"trace"`
	ID         string            `json:"id"`
	Parent     string            `json:"parent,omitempty"`
	Node       string            `json:"node"`
	Name       string            `json:"name"`
	Start      time.Time         `json:"start"`
	Duration   time.Duration     `json:"duration"` // nanoseconds
	Error      string            `json:"error,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}
