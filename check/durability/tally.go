package durability

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/check/quorum"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// tally is what one key, or all of them, came to.
type tally struct {
	attempted, acked, unknown, recovered int
	judged, judgedDuringFaults           int
	finalReads, finalFailed              int

	lost []record.LostWrite
	// unread lists the keys whose final reads are not complete, with the nodes.
	unread                                            []timestamped
	phantoms, diverged, duplicates, stale, splitBrain []timestamped
}

// timestamped is a line of evidence and the instant it is about, to be ordered by.
type timestamped struct {
	at   time.Duration
	text string
	age  time.Duration // of a stale read: how long before it the oldest write that it missed was acknowledged
}

// texts drops the timestamps.
func texts(lines []timestamped) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l.text
	}
	return out
}

func (t *tally) add(o *tally) {
	t.attempted += o.attempted
	t.acked += o.acked
	t.unknown += o.unknown
	t.recovered += o.recovered
	t.judged += o.judged
	t.judgedDuringFaults += o.judgedDuringFaults
	t.finalReads += o.finalReads
	t.finalFailed += o.finalFailed
	t.lost = append(t.lost, o.lost...)
	t.unread = append(t.unread, o.unread...)
	t.phantoms = append(t.phantoms, o.phantoms...)
	t.diverged = append(t.diverged, o.diverged...)
	t.duplicates = append(t.duplicates, o.duplicates...)
	t.stale = append(t.stale, o.stale...)
	t.splitBrain = append(t.splitBrain, o.splitBrain...)
}

func (t *tally) sort() {
	slices.SortFunc(t.lost, func(a, b record.LostWrite) int {
		return cmp.Or(cmp.Compare(a.Op.Return, b.Op.Return), cmp.Compare(a.Op.ID, b.Op.ID))
	})
	for _, lines := range [][]timestamped{t.unread, t.phantoms, t.diverged, t.duplicates, t.stale, t.splitBrain} {
		slices.SortFunc(lines, func(a, b timestamped) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text, b.text))
		})
	}
}

// countWrite notes a write attempt.
func (j *judge) countWrite(t *tally, op *history.Op) {
	t.attempted++
	switch op.Outcome {
	case history.OK:
		t.acked++
		j.noteSplitBrain(t, op)
	case history.Unknown:
		t.unknown++
	}
}

// noteSplitBrain notes an acknowledgement to a client that could reach no quorum.
func (j *judge) noteSplitBrain(t *tally, op *history.Op) {
	if w, ok := quorum.At(j.run.Quorum.RegionNoQuorum[op.Region], op.Call); ok && op.Return < w.To {
		t.splitBrain = append(t.splitBrain, timestamped{at: op.Call, text: fmt.Sprintf("%s, called %s after its region was cut off from the quorum",
			format.Write(op), duration.Format(op.Call-w.From))})
	}
}

// complete notes the final reads of a key that writes were sent to, and reports whether one
// through every node succeeded.
func (j *judge) complete(t *tally, key string, reads *keyindex.FinalReads) bool {
	t.finalReads += reads.Attempts
	t.finalFailed += reads.Failed()
	missing, err := reads.Missing(j.nodes)
	if len(missing) == 0 && len(j.nodes) > 0 {
		return true
	}
	if t.attempted > 0 {
		text := fmt.Sprintf("%s through %s", key, format.Nodes(missing))
		if err != "" {
			text += " (" + err + ")"
		}
		t.unread = append(t.unread, timestamped{at: 0, text: text})
	}
	return false
}
