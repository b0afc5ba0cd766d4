package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// judgeRPO asks what became of the acknowledged writes. With A the
// acknowledged, T the attempted and F the union of the final reads through
// every node: lost is A \ F, phantom F \ T, recovered the unknown that are in
// F, and final reads that differ are a divergence. Each is a promise of its
// own. A key whose final reads are not complete says nothing about loss.
func judgeRPO(ctx context.Context, v *view, j *record.Result) []record.Finding {
	nodes := v.readers()
	total := &tally{}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(v.opts.Workers)
	x := v.index()
	each := func(objects []object, judge func(*view, []topology.NodeID, object) tally) {
		for part := range slices.Chunk(objects, 16) {
			g.Go(func() (err error) {
				defer func() {
					if r := recover(); r != nil {
						err = fmt.Errorf("%v", r)
					}
				}()
				for _, o := range part {
					if err := ctx.Err(); err != nil {
						return err
					}
					t := judge(v, nodes, o)
					mu.Lock()
					total.add(t)
					mu.Unlock()
				}
				return nil
			})
		}
	}
	each(x.sets, setTally)
	each(x.registers, registerTally)
	each(x.streams, streamTally)
	each(x.banks, bankTally)
	err := g.Wait()
	total.sort()
	j.RPO = v.figures(nodes, total)
	if err != nil {
		return []record.Finding{{Check: "rpo", Verdict: record.Unknown, Description: "not checked to the end: " + err.Error()}}
	}
	return []record.Finding{
		v.findLost(j.RPO, total),
		v.findNone("phantoms", "values that nobody wrote", total.phantoms, j.RPO),
		v.findNone("divergence", "final reads that differ between nodes", total.diverged, j.RPO),
		v.findNone("duplicates", "values that a set holds twice", total.duplicates, j.RPO),
		v.findNone("stale reads", "reads that missed what was acknowledged before them", total.stale, nil),
		v.findNone("split brain", "writes acknowledged to clients that could reach no majority", total.split, nil),
	}
}

// tally is what one object, or all of them, came to.
type tally struct {
	attempted, acked, unknown, recovered int
	finalReads, finalFailed              int

	lost []record.LostWrite
	// unread lists the keys whose final reads are not complete, with the nodes.
	unread                                       []dated
	phantoms, diverged, duplicates, stale, split []dated
}

// dated is a line of evidence and the instant it is about, to be ordered by.
type dated struct {
	at   time.Duration
	says string
}

func (t *tally) add(o tally) {
	t.attempted += o.attempted
	t.acked += o.acked
	t.unknown += o.unknown
	t.recovered += o.recovered
	t.finalReads += o.finalReads
	t.finalFailed += o.finalFailed
	t.lost = append(t.lost, o.lost...)
	t.unread = append(t.unread, o.unread...)
	t.phantoms = append(t.phantoms, o.phantoms...)
	t.diverged = append(t.diverged, o.diverged...)
	t.duplicates = append(t.duplicates, o.duplicates...)
	t.stale = append(t.stale, o.stale...)
	t.split = append(t.split, o.split...)
}

func (t *tally) sort() {
	slices.SortFunc(t.lost, func(a, b record.LostWrite) int {
		if a.Op.Return != b.Op.Return {
			return cmp.Compare(a.Op.Return, b.Op.Return)
		}
		return cmp.Compare(a.Op.ID, b.Op.ID)
	})
	for _, ds := range [][]dated{t.unread, t.phantoms, t.diverged, t.duplicates, t.stale, t.split} {
		slices.SortFunc(ds, func(a, b dated) int {
			if a.at != b.at {
				return cmp.Compare(a.at, b.at)
			}
			return cmp.Compare(a.says, b.says)
		})
	}
}

// count notes a write attempt.
func (t *tally) count(v *view, op *history.Op) {
	t.attempted++
	switch op.Outcome {
	case history.OK:
		t.acked++
		t.minority(v, op)
	case history.Unknown:
		t.unknown++
	}
}

// minority notes an acknowledgement to a client that could reach no majority.
func (t *tally) minority(v *view, op *history.Op) {
	if s, ok := at(v.damage.severed[op.Region], op.Call); ok && op.Return < s.to {
		t.split = append(t.split, dated{op.Call, fmt.Sprintf("%s, called %s after its region was cut off from the majority",
			witness(op), seconds(op.Call-s.from))})
	}
}

// readers lists the nodes that the final reads must have gone through: those
// that were tried, and every voter.
func (v *view) readers() []topology.NodeID {
	seen := map[topology.NodeID]bool{}
	var out []topology.NodeID
	add := func(id topology.NodeID) {
		if id != "" && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	for _, n := range v.run.Topology.Nodes {
		if n.Voter {
			add(n.ID)
		}
	}
	for i := range v.run.Ops {
		if op := &v.run.Ops[i]; op.Final {
			add(op.ReadThrough)
		}
	}
	return out
}

// lines drops the dates.
func lines(ds []dated) []string {
	out := make([]string, len(ds))
	for i, d := range ds {
		out[i] = d.says
	}
	return out
}

// kept bounds the lists in a judgement; the findings count all.
const kept = 1000

func (v *view) figures(nodes []topology.NodeID, t *tally) *record.RPO {
	cut := func(ds []dated) []string { return lines(ds[:min(len(ds), kept)]) }
	out := &record.RPO{
		Objective: v.obj.RPO, Attempted: t.attempted, Acked: t.acked, Unknown: t.unknown, Recovered: t.recovered,
		FinalReads: t.finalReads, FinalReadsFailed: t.finalFailed, LostCount: len(t.lost), Lost: t.lost[:min(len(t.lost), kept)],
		Phantoms: cut(t.phantoms), Diverged: cut(t.diverged), Duplicates: cut(t.duplicates),
		StaleReads: cut(t.stale), SplitBrain: cut(t.split), UnreadableNodes: v.silent(nodes),
	}
	if n := len(t.lost); n > 0 {
		out.LossWindow = t.lost[n-1].Op.Return - t.lost[0].Op.Return
	}
	return out
}

// silent lists the nodes through which no final read succeeded.
func (v *view) silent(nodes []topology.NodeID) []topology.NodeID {
	answered := map[topology.NodeID]bool{}
	for i := range v.run.Ops {
		if op := &v.run.Ops[i]; op.Final && op.Outcome == history.OK {
			answered[op.ReadThrough] = true
		}
	}
	var out []topology.NodeID
	for _, n := range nodes {
		if !answered[n] {
			out = append(out, n)
		}
	}
	return out
}
