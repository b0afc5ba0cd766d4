// Package eventlog is a node's event log: one ordered stream of what the platform did on
// this node. Its latest events are held in memory and streamed over HTTP.
package eventlog

import (
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/tailbuffer"
)

// capacity is how many events a node holds at least.
const capacity = 5000

// Log collects the events of one incarnation of a node, that is, of one run of its process.
type Log struct {
	*tailbuffer.Buffer[events.Event]
	node, region, start string
}

// New begins the log of an incarnation, which is named by the present time.
func New(node, region string) *Log {
	return &Log{Buffer: tailbuffer.New[events.Event](capacity), node: node, region: region, start: time.Now().UTC().Format(time.RFC3339Nano)}
}

// Incarnation is the name of the incarnation that the log belongs to.
func (l *Log) Incarnation() string { return l.start }

// Emit appends an event with the present time.
func (l *Log) Emit(kind events.Kind, description string, fields map[string]string) {
	l.Append(func(seq uint64) events.Event {
		return events.Event{
			Start: l.start, Seq: seq, Wall: time.Now(), Node: l.node, Region: l.region,
			Kind: kind, Description: description, Fields: fields,
		}
	})
}
