package recovery

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/quorum"
	"github.com/mcp-resilience/holdfast/history"
)

// answeredByCutOff returns the window without a quorum in which an operation of the load was acknowledged by the side
// that had none. Such an answer is no service: the rest of the system does not know of it, and may undo it.
func answeredByCutOff(run *index.Run, op *history.Op) (quorum.Window, bool) {
	if op.Outcome != history.OK || op.Final || op.Class() == history.LocalRead {
		return quorum.Window{}, false
	}
	return run.Quorum.Answered(op.Region, op.Node, op.Call, op.Return)
}

// withoutQuorum is when the series had not to be served, in order of time: when its clients could reach no quorum, and when
// they could and a node without a quorum went on to serve them, up to the heal that ended it.
func (s *series) withoutQuorum(run *index.Run) []quorum.Window {
	out := slices.Clone(run.Quorum.RegionMayLackQuorum[s.Region])
	for w := range s.cutOffIn {
		if first, ok := s.servedUpTo(w); ok {
			out = append(out, quorum.Window{From: s.start(first), To: w.To, Healed: w.Healed})
		}
	}
	slices.SortFunc(out, func(a, b quorum.Window) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return out
}

// servedUpTo finds the first bucket of the service that a cut-off side gave up to the end of a window, in which it
// answered at least as many operations as the rest of the system. Pauses in it are as long as those that join outages.
// A side that answered for a while and then no more leaves an outage as any other, and nothing is found.
func (s *series) servedUpTo(w quorum.Window) (first int, ok bool) {
	pause := s.bucketFrom(max(s.slo.Merge, 2*s.resolution()))
	first = min(s.bucketAt(w.To), len(s.due))
	for i := first - 1; i >= s.bucketAt(w.From) && first-i <= pause; i-- {
		if s.cutOff[i] > 0 && s.cutOff[i] >= s.good[i] {
			first, ok = i, true
		}
	}
	return first, ok
}

// cutOffBetween counts the acknowledgements of the cut-off side to operations that were due in a stretch of the run.
func (s *series) cutOffBetween(from, to time.Duration) int {
	n := 0
	for i := s.bucketAt(from); i < min(s.bucketFrom(to), len(s.cutOff)); i++ {
		n += int(s.cutOff[i])
	}
	return n
}

// servedByCutOff is the clause on such acknowledgements; it is empty where there were none.
func servedByCutOff(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; served by the cut-off side: %s", format.Count(n, "acknowledgement"))
}
