// Package eventlog is a node's event log: one ordered stream of what the platform
// did on this node, kept in memory from the node's start and served to whoever asks.
package eventlog

import (
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/latest"
)

// retained is how many events a node keeps at least.
const retained = 5000

// Log collects the events of one run of a node's process; Serve streams them over HTTP.
type Log struct {
	*latest.List[events.Event]
	node, region, start string
}

// New opens the log of a run of a node's process, which is named by the time at which it started.
func New(node, region string) *Log {
	return &Log{List: latest.New[events.Event](retained), node: node, region: region, start: time.Now().UTC().Format(time.RFC3339Nano)}
}

// Incarnation names the run of the node's process that the log is of.
func (l *Log) Incarnation() string { return l.start }

// Note appends an event that happens now.
func (l *Log) Note(kind events.Kind, description string, fields map[string]string) {
	l.Add(func(seq uint64) events.Event {
		return events.Event{
			Start: l.start, Seq: seq, Wall: time.Now(), Node: l.node, Region: l.region,
			Kind: kind, Description: description, Fields: fields,
		}
	})
}
