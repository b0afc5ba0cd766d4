package check

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

const (
	// notice is how long a region has to find out that it is cut off, in limits of
	// latency: until then it may take writes in good faith and owe the answer.
	notice = 3
	// answered is the least share of edge reads that must be answered.
	answered = 0.99
)

// judgeAutonomy asserts that a region whose clients can reach no majority does
// what it can without one. Each write is refused within the latency limit of its
// call, and definitely, by a server, so that a client knows at once; edge reads are
// answered, and marked stale, from the proof of the cut to the request of its
// heal, for nothing about them takes noticing; and after the heal the region serves again.
func judgeAutonomy(_ context.Context, v *view, _ *record.Result) []record.Finding {
	if !v.obj.DisconnectedOperation {
		return nil
	}
	f := record.Finding{Check: "disconnected operation", Verdict: record.Vacuous, Description: "the clients of no region were cut off from the majority"}
	says, wrong := "", ""
	for _, region := range v.run.Topology.Regions() {
		spells := v.damage.severed[region]
		if len(spells) == 0 {
			continue
		}
		a := v.autonomy(region, spells)
		f.Evidence = append(f.Evidence, a.wrong...)
		switch {
		case len(a.wrong) > 0 && wrong == "":
			wrong = a.wrong[0]
		case a.writes == 0:
			says = fmt.Sprintf("no write of %s was judged: it was cut off for too short a time", region)
		case a.edge == 0:
			says = fmt.Sprintf("no edge read of %s was due while it was cut off: set load.edge", region)
		case f.Verdict == record.Vacuous && says == "":
			f.Verdict, f.Description = record.Pass, a.String()
		default:
			f.Description += "; " + a.String()
		}
	}
	if len(f.Evidence) > kept {
		f.Evidence = f.Evidence[:kept]
	}
	switch {
	case wrong != "":
		f.Verdict, f.Description = record.Fail, wrong
	case says != "":
		f.Verdict, f.Description = record.Vacuous, says
	case f.Verdict == record.Pass && !v.run.HasRejectionMarks:
		f.Verdict, f.Description = record.Unknown, f.Description+", "+unmarked
	}
	return []record.Finding{f}
}

// autonomy is what one region did while it was cut off.
type autonomy struct {
	region         topology.Region
	length         time.Duration
	writes         int           // judged
	longest        time.Duration // until a write was refused
	refusal        string        // the first
	edge, answered int
	back           time.Duration // from the last heal's request to the first write acknowledged since
	wrong          []string
}

func (a *autonomy) String() string {
	return fmt.Sprintf("%s, cut off for %s: %s refused within %s (%s), %d of %d edge reads answered and marked stale, writing again %s after the heal",
		a.region, seconds(a.length), count(a.writes, "write"), seconds(a.longest), a.refusal, a.answered, a.edge, seconds(a.back))
}

func (v *view) autonomy(region topology.Region, spells []spell) *autonomy {
	a := &autonomy{region: region, back: -1}
	healed := spells[len(spells)-1].healed
	for _, s := range spells {
		a.length += min(s.to, v.end) - s.from
	}
	var unanswered, kept []string
	for i := range v.run.Ops {
		op := &v.run.Ops[i]
		if op.Region != region || op.Final || op.Error == history.Dropped {
			continue
		}
		if op.Class() == history.Writes && op.Outcome == history.OK && op.Call >= healed && (a.back < 0 || op.Return-healed < a.back) {
			a.back = op.Return - healed
		}
		s, cut := at(spells, op.Call)
		switch {
		case !cut:
		case op.Class() == history.LocalRead:
			a.edge++
			if good(op, v.def) && (op.Output != "" || op.Key != history.LocalReadSetting && op.Key != history.LocalReadToken) {
				a.answered++
			} else {
				unanswered = append(unanswered, fmt.Sprintf("edge read of %s from %s, called %s after the cut: %s", op.Key, region, seconds(op.Call-s.from), cmp.Or(op.Error, fmt.Sprintf("%s after %s, %q", op.Outcome, seconds(op.Return-op.Intended), op.Output))))
			}
		case op.Class() == history.Writes && op.Call >= s.from+notice*v.def.Latency && op.Call+v.def.Latency <= min(s.to, v.end):
			a.writes++
			took := op.Return - op.Call
			if op.Outcome == history.Failed && took <= v.def.Latency && (op.Rejected || !v.run.HasRejectionMarks) {
				a.longest, a.refusal = max(a.longest, took), cmp.Or(a.refusal, op.Error)
				continue
			}
			says := "has its answer"
			if op.Outcome == history.Failed && !op.Rejected && v.run.HasRejectionMarks {
				says = "reached no server"
			}
			kept = append(kept, fmt.Sprintf("%s, called %s after the cut, %s after %s and it is %s: %s", witness(op), seconds(op.Call-s.from), says, seconds(took), op.Outcome, op.Error))
		}
	}
	if n := len(kept); n > 0 {
		a.wrong = append(a.wrong, fmt.Sprintf("%s cut off: %d of %s not refused within %s, first: %s", region, n, count(a.writes, "write"), exactly(v.def.Latency), kept[0]))
	}
	if a.edge > 0 && float64(a.answered) < answered*float64(a.edge) {
		a.wrong = append(a.wrong, fmt.Sprintf("%s cut off: %d of %s answered and marked stale, want %s; first: %s", region, a.answered, count(a.edge, "edge read"), percent(answered), unanswered[0]))
	}
	if healed < v.end && a.back < 0 {
		a.wrong = append(a.wrong, fmt.Sprintf("%s acknowledged no write after the heal", region))
	}
	return a
}
