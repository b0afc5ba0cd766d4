package degradation

import (
	"cmp"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/quorum"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

const (
	// detectionLimits is how long a region has to find out that it is cut off, in latency
	// limits: until then it may accept writes in good faith and leave them unanswered.
	detectionLimits = 3
	// minLocalReads is the least share of local reads that must be answered.
	minLocalReads = 0.99
)

// DisconnectedOperation judges the objective that a region whose clients can reach no quorum does
// what it can without one. Each write is rejected by a server within the latency limit of its
// call, so that the client knows at once. Local reads are
// answered, and marked stale, from when the partition is proved until its heal is requested. There is no grace
// period, because a local read does not depend on noticing the partition. After the heal the region serves again.
func DisconnectedOperation(run *index.Run) []record.Finding {
	if !run.Objectives.DisconnectedOperation {
		return nil
	}
	f := record.Finding{Check: "disconnected operation", Verdict: record.Vacuous, Description: "the clients of no region were cut off from the quorum"}
	untested, violation := "", ""
	for _, region := range run.Record.Topology.Regions() {
		windows := run.Quorum.RegionNoQuorum[region]
		if len(windows) == 0 {
			continue
		}
		d := newDisconnection(run, region, windows)
		violation = cmp.Or(violation, cmp.Or(d.violations...))
		f.Evidence = append(f.Evidence, d.violations...)
		switch {
		case len(d.violations) > 0 && violation == d.violations[0]:
		case d.writes == 0:
			untested = fmt.Sprintf("no write of %s was judged: it was cut off for too short a time", region)
		case d.localReads == 0:
			untested = fmt.Sprintf("no local read of %s was due while it was cut off: set load.localReads", region)
		case f.Verdict == record.Vacuous && untested == "":
			f.Verdict, f.Description = record.Pass, d.String()
		default:
			f.Description += "; " + d.String()
		}
	}
	f.Evidence = format.First(f.Evidence)
	switch {
	case violation != "":
		f.Verdict, f.Description = record.Fail, violation
	case untested != "":
		f.Verdict, f.Description = record.Vacuous, untested
	case f.Verdict == record.Pass && !run.Record.HasRejectionMarks:
		f.Verdict, f.Description = record.Unknown, f.Description+", "+noRejectionMarks
	}
	return []record.Finding{f}
}

// disconnection is what one region did while it was cut off.
type disconnection struct {
	region               topology.Region
	length               time.Duration
	writes               int           // judged
	slowest              time.Duration // until a write was rejected
	reason               string        // of the first rejection
	localReads, answered int
	back                 time.Duration // from the last heal's request to the first write acknowledged since; -1 for none

	notRejected, notAnswered []string // a line for each
	violations               []string
}

func (d *disconnection) String() string {
	return fmt.Sprintf("%s, cut off for %s: %s rejected within %s (%s), %d of %d local reads answered and marked stale, writing again %s after the heal",
		d.region, duration.Format(d.length), format.Count(d.writes, "write"), duration.Format(d.slowest), d.reason, d.answered, d.localReads, duration.Format(d.back))
}

func newDisconnection(run *index.Run, region topology.Region, windows []quorum.Window) *disconnection {
	d := &disconnection{region: region, back: -1}
	healed := windows[len(windows)-1].Healed
	for _, w := range windows {
		d.length += min(w.To, run.End) - w.From
	}
	limit := run.SLO.Latency
	for i := range run.Record.Ops {
		op := &run.Record.Ops[i]
		if op.Region != region || op.Final || op.Error == history.Dropped {
			continue
		}
		if op.Class() == history.Writes && op.Outcome == history.OK && op.Call >= healed && (d.back < 0 || op.Return-healed < d.back) {
			d.back = op.Return - healed
		}
		w, cut := quorum.At(windows, op.Call)
		switch {
		case !cut:
		case op.Class() == history.LocalRead:
			d.localRead(op, op.Call-w.From, limit)
		case op.Class() == history.Writes && op.Call >= w.From+detectionLimits*limit && op.Call+limit <= min(w.To, run.End):
			d.write(op, op.Call-w.From, limit, run.Record.HasRejectionMarks)
		}
	}
	d.judge(limit, healed < run.End)
	return d
}

// localRead counts a local read that was called so long after the cut.
func (d *disconnection) localRead(op *history.Op, after, limit time.Duration) {
	d.localReads++
	empty := op.Output == "" && (op.Key == history.LocalReadSetting || op.Key == history.LocalReadToken)
	if op.Good(limit) && !empty {
		d.answered++
		return
	}
	d.notAnswered = append(d.notAnswered, fmt.Sprintf("local read of %s from %s, called %s after the cut: %s", op.Key, d.region, duration.Format(after),
		cmp.Or(op.Error, fmt.Sprintf("%s after %s, %q", op.Outcome, duration.Format(op.Latency()), op.Output))))
}

// write counts a write that was called so long after the cut.
func (d *disconnection) write(op *history.Op, after, limit time.Duration, marked bool) {
	d.writes++
	took := op.Return - op.Call
	if op.Outcome == history.Failed && took <= limit && (op.Rejected || !marked) {
		d.slowest, d.reason = max(d.slowest, took), cmp.Or(d.reason, op.Error)
		return
	}
	ended := "ended"
	if op.Outcome == history.Failed && !op.Rejected && marked {
		ended = "reached no server"
	}
	d.notRejected = append(d.notRejected, fmt.Sprintf("%s, called %s after the cut, %s after %s, outcome %s: %s",
		format.Write(op), duration.Format(after), ended, duration.Format(took), op.Outcome, op.Error))
}

// judge fills in the violations. Healed is true when there was time to recover after the heal.
func (d *disconnection) judge(limit time.Duration, healed bool) {
	if n := len(d.notRejected); n > 0 {
		d.violations = append(d.violations, fmt.Sprintf("%s cut off: %d of %s not rejected within %s, first: %s",
			d.region, n, format.Count(d.writes, "write"), duration.Exact(limit), d.notRejected[0]))
	}
	if d.localReads > 0 && float64(d.answered) < minLocalReads*float64(d.localReads) {
		d.violations = append(d.violations, fmt.Sprintf("%s cut off: %d of %s answered and marked stale, want %s; first: %s",
			d.region, d.answered, format.Count(d.localReads, "local read"), format.Percent(minLocalReads), d.notAnswered[0]))
	}
	if healed && d.back < 0 {
		d.violations = append(d.violations, fmt.Sprintf("%s acknowledged no write after the heal", d.region))
	}
}
