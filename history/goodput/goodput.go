// Package goodput counts a run's operations in buckets of their intended time:
// how many were due, and how many of those were good, for each client region
// and class of operation. The verdict, the report's charts and the live display
// all count with it.
package goodput

import (
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// Key names a series: the operations of one class that clients of one region sent.
type Key struct {
	Region topology.Region
	Class  history.Class
}

// KeyOf names the series that an operation belongs to.
func KeyOf(op *history.Op) Key { return Key{op.Region, op.Kind.Class()} }

// Series is the buckets of one key, in order of time. It ends with the last
// bucket in which an operation was due.
type Series struct {
	Key
	Buckets []Bucket
}

// Bucket is the operations of one series that were due in one stretch of time.
type Bucket struct {
	Due  int32
	Done int32 // of those due, the ones whose outcome is known
	Good int32 // of those done, the ones acknowledged within the latency limit
	// Latencies are those of the acknowledged operations, in the order in which they were done;
	// nil unless the counter keeps them.
	Latencies []time.Duration
}

// Counter sorts operations into series and buckets. It is not safe for
// concurrent use.
type Counter struct {
	From          time.Duration // the start of the first bucket; what was due before it is left out
	End           time.Duration // what was due at End or later is left out; 0 means no end
	Width         time.Duration // of a bucket; must be more than 0
	Limit         time.Duration // the longest latency of a good operation
	KeepLatencies bool

	Series map[Key]*Series // what has been counted; nil before the first operation
}

// Add counts an operation that was due and is done.
func (c *Counter) Add(op *history.Op) {
	if b := c.bucket(op); b != nil {
		b.Due++
		c.done(b, op)
	}
}

// Due counts an operation that is due and not done yet.
func (c *Counter) Due(op *history.Op) {
	if b := c.bucket(op); b != nil {
		b.Due++
	}
}

// Done counts the outcome of an operation that was counted as due before.
func (c *Counter) Done(op *history.Op) {
	if b := c.bucket(op); b != nil {
		c.done(b, op)
	}
}

func (c *Counter) done(b *Bucket, op *history.Op) {
	b.Done++
	if op.Good(c.Limit) {
		b.Good++
	}
	if c.KeepLatencies && op.Outcome == history.OK {
		b.Latencies = append(b.Latencies, op.Latency())
	}
}

// Counts reports whether service is measured by an operation. It is not by final
// reads, local reads, and what was not due in the counted time.
func (c *Counter) Counts(op *history.Op) bool {
	return !op.Final && op.Class() != history.LocalRead && op.Intended >= max(c.From, 0) && (c.End <= 0 || op.Intended < c.End)
}

// bucket returns the bucket of an operation, or nil for one that does not count.
func (c *Counter) bucket(op *history.Op) *Bucket {
	if !c.Counts(op) {
		return nil
	}
	key := KeyOf(op)
	s := c.Series[key]
	if s == nil {
		s = &Series{Key: key}
		if c.Series == nil {
			c.Series = map[Key]*Series{}
		}
		c.Series[key] = s
	}
	i := int((op.Intended - c.From) / c.Width)
	for len(s.Buckets) <= i {
		s.Buckets = append(s.Buckets, Bucket{})
	}
	return &s.Buckets[i]
}
