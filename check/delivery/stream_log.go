package delivery

import (
	"cmp"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// streamLog is a stream as it was in the end.
type streamLog struct {
	place map[string]int // of each message; 0, 1, …
	due   []string       // messages that were acknowledged and are there, in order
	read  bool           // back, through any node

	held      map[string]bool // by any node
	lost      map[string]bool // acknowledged and held by none, which the check "rpo" reports
	asked     time.Duration   // when the last of the final reads was called
	full      bool            // every node was read
	truncated bool            // it reports that it does not hold its beginning any more
}

// newStreamLog takes the longest of the final reads; without one, the places
// that publishers were answered.
func newStreamLog(k keyindex.Key, nodes []topology.NodeID) *streamLog {
	l := &streamLog{place: map[string]int{}, held: map[string]bool{}, lost: map[string]bool{}}
	var longest *history.Op
	final := k.FinalReads()
	missing, _ := final.Missing(nodes)
	l.full = len(missing) == 0
	for _, op := range final.By {
		l.asked = max(l.asked, op.Call)
		for _, m := range op.Set {
			l.held[m] = true
		}
		if longest == nil || len(op.Set) > len(longest.Set) {
			longest = op
		}
	}
	var acked []*history.Op
	for _, op := range k.Ops {
		if op.Kind == history.Publish && op.Outcome == history.OK {
			acked = append(acked, op)
		}
	}
	if l.read = longest != nil; l.read {
		l.truncated = longest.Revision > uint64(len(longest.Set))
		for i, m := range longest.Set {
			if _, twice := l.place[m]; !twice {
				l.place[m] = i
			}
		}
	} else {
		for _, op := range acked {
			l.place[op.Value] = int(op.Revision)
		}
	}
	for _, op := range acked {
		if _, there := l.place[op.Value]; there {
			l.due = append(l.due, op.Value)
		}
		l.lost[op.Value] = !l.held[op.Value]
	}
	slices.SortFunc(l.due, func(x, y string) int { return cmp.Compare(l.place[x], l.place[y]) })
	return l
}

// unexpected reports whether a message that was delivered at some time is none of
// the stream's: it was rejected, or nobody published it, or consumers that were not
// to see it yet have seen it. One that came after the stream was read may have been published
// since, and one that came before all that the stream holds may have been dropped.
func (l *streamLog) unexpected(m string, at time.Duration, first bool) bool {
	return l.read && at <= l.asked && !l.held[m] && !l.lost[m] && !(l.truncated && first)
}
