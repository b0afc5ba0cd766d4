// Package durability judges what became of acknowledged writes. With A the
// acknowledged writes, T the attempted and F the union of the final reads through
// every node: lost is A \ F, phantom F \ T, recovered the writes of unknown outcome that are in
// F, and final reads that differ are a divergence. Of a register only the last write can be in F; an
// earlier one is lost when a later operation proves that it was gone before it was overwritten. Duplicates,
// stale reads and split brain are judged beside them.
package durability

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// RPO judges each of these as a separate check, on as many keys at once as workers.
// A key whose final reads are not complete proves nothing about loss.
func RPO(ctx context.Context, run *index.Run, workers int) (*record.RPO, []record.Finding) {
	j := &judge{run: run, nodes: run.Readers()}
	total, err := j.all(ctx, workers)
	total.sort()
	figures := j.figures(total)
	if err != nil {
		return figures, []record.Finding{{Check: "rpo", Verdict: record.Unknown, Description: "not checked to the end: " + err.Error()}}
	}
	return figures, []record.Finding{
		j.dataLoss(figures, total),
		noneOf("phantoms", "values that nobody wrote", total.phantoms, figures),
		noneOf("divergence", "final reads that differ between nodes", total.diverged, figures),
		noneOf("duplicates", "values that a set or list holds twice", total.duplicates, figures),
		j.staleReads(total.stale),
		j.splitBrain(total.splitBrain),
	}
}

// judge is a run and the nodes through which it must have been read back.
type judge struct {
	run   *index.Run
	nodes []topology.NodeID
}

// all tallies every key.
func (j *judge) all(ctx context.Context, workers int) (*tally, error) {
	total := &tally{}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(workers)
	each := func(keys []keyindex.Key, of func(keyindex.Key) *tally) {
		for part := range slices.Chunk(keys, 16) {
			g.Go(func() (err error) {
				defer func() {
					if p := recover(); p != nil {
						err = fmt.Errorf("%v", p)
					}
				}()
				for _, k := range part {
					if err := ctx.Err(); err != nil {
						return err
					}
					t := of(k)
					mu.Lock()
					total.add(t)
					mu.Unlock()
				}
				return nil
			})
		}
	}
	keys := j.run.Keys()
	each(keys.Sets, j.set)
	each(keys.Lists, j.list)
	each(keys.Registers, j.register)
	each(keys.Streams, j.stream)
	each(keys.Banks, j.bank)
	return total, g.Wait()
}

func (j *judge) figures(t *tally) *record.RPO {
	lines := func(ds []timestamped) []string { return texts(format.First(ds)) }
	out := &record.RPO{
		Objective: j.run.Objectives.RPO, Attempted: t.attempted, Acked: t.acked, Unknown: t.unknown, Recovered: t.recovered,
		FinalReads: t.finalReads, FinalReadsFailed: t.finalFailed, LostCount: len(t.lost), Lost: format.First(t.lost),
		Phantoms: lines(t.phantoms), Diverged: lines(t.diverged), Duplicates: lines(t.duplicates),
		StaleReads: lines(t.stale), SplitBrain: lines(t.splitBrain), UnreadableNodes: j.run.Unread(j.nodes),
	}
	out.Judged, out.JudgedDuringFaults = t.judged, t.judgedDuringFaults
	out.LossGroups = groupLost(j.run.Faults, t.lost)
	for i := range t.lost {
		if j.duringFault(t.lost[i].Op.Return) {
			out.LostDuringFaults++
		}
	}
	if n := len(t.lost); n > 0 {
		out.LossWindow = t.lost[n-1].Op.Return - t.lost[0].Op.Return
	}
	return out
}
