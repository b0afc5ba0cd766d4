// Package check judges a recorded run: Judge makes every check and returns the result with
// its verdict. Each check is a function of the record alone. It starts nothing and changes
// nothing, so that a stored run can be judged again. A check that cannot be determined is
// unknown, and one whose condition never occurred is vacuous; neither passes. The checks are in
// the packages below. Package check/linear needs no record and can be used without the others.
package check

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/check/accounts"
	"github.com/mcp-resilience/holdfast/check/degradation"
	"github.com/mcp-resilience/holdfast/check/delivery"
	"github.com/mcp-resilience/holdfast/check/durability"
	"github.com/mcp-resilience/holdfast/check/events"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/interference"
	"github.com/mcp-resilience/holdfast/check/quorum"
	"github.com/mcp-resilience/holdfast/check/recovery"
	"github.com/mcp-resilience/holdfast/check/validity"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// Options are the constants of judging and the bounds of its work. The zero value has the defaults.
type Options struct {
	// SLO is the constants of outage and recovery; zero fields take their defaults.
	SLO record.SLOParams
	// KeyTime is how long the search on one register may take; 0 means 10 s.
	KeyTime time.Duration
	// Time is how long the linearizability check may take over all; 0 means 1 minute.
	Time time.Duration
	// Memory is how many bytes the search may hold over all registers at once; 0 means 512 MiB.
	Memory int64
	// Workers is how many keys are judged at once; 0 means GOMAXPROCS.
	Workers int
}

// input is what a check is given.
type input struct {
	*index.Run
	Options
}

// check is one check, or several that share their figures. It writes its figures into
// fields of the result that no other check writes, and returns its findings.
type check struct {
	name  string
	judge func(ctx context.Context, in input, out *record.Result) []record.Finding
}

// only makes a check from a function that needs only the run and has no figures.
func only(name string, judge func(*index.Run) []record.Finding) check {
	return check{name, func(_ context.Context, in input, _ *record.Result) []record.Finding { return judge(in.Run) }}
}

// checks lists all checks, in the order in which they are reported.
var checks = []check{
	only("run", validity.Completeness),
	only("faults", validity.FaultProofs),
	only("load phases", validity.LoadPhases),
	only("node crashes", validity.NodeCrashes),
	{"rto", func(_ context.Context, in input, out *record.Result) (fs []record.Finding) {
		out.RTO, fs = recovery.RTO(in.Run)
		return fs
	}},
	{"rpo", func(ctx context.Context, in input, out *record.Result) (fs []record.Finding) {
		out.RPO, fs = durability.RPO(ctx, in.Run, in.Workers)
		return fs
	}},
	{"linearizable", judgeLinearizable},
	only("accounts", accounts.Check),
	{"messages", func(_ context.Context, in input, out *record.Result) (fs []record.Finding) {
		out.Deliveries, fs = delivery.Check(in.Run)
		return fs
	}},
	{"availability", func(_ context.Context, in input, out *record.Result) (fs []record.Finding) {
		out.Availability, fs = recovery.Availability(in.Run)
		return fs
	}},
	only("leader change", events.LeaderChange),
	only("traffic switch", events.TrafficSwitch),
	{"false alarms", func(_ context.Context, in input, out *record.Result) (fs []record.Finding) {
		out.Alarms, fs = events.FalseAlarms(in.Run)
		return fs
	}},
	only("quorum loss rejection", degradation.QuorumLossRejection),
	only("load shedding", degradation.LoadShedding),
	only("expected events", events.Expected),
	only("disconnected operation", degradation.DisconnectedOperation),
}

// Judge makes every check on the run and returns their findings and figures, with the worst of
// their verdicts. It always returns a result: the finding of a check that panics, runs out of time or
// memory, or is ended by ctx is unknown. It does not change r.
func Judge(ctx context.Context, r *record.Run, o Options) *record.Result {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	out := &record.Result{Expected: r.Expect, Aborted: r.AbortReason != "", ExpectedFailures: r.ExpectedFailures, SLOParams: r.Objectives.SLO(o.SLO)}
	if out.Expected == "" {
		out.Expected = record.Pass
	}
	findings := make([][]record.Finding, len(checks))
	var run *index.Run
	findings[0] = guard(ctx, check{"run", func(context.Context, input, *record.Result) []record.Finding {
		var err error
		if run, err = index.New(r, o.SLO); err != nil {
			return []record.Finding{{Check: "run", Verdict: record.Unknown, Cause: record.CauseHarness, Description: err.Error()}}
		}
		return nil
	}}, input{}, out)
	if run != nil {
		out.Lateness = lateness(run)
		out.QuorumLoss = quorum.Spans(run.Quorum.NoQuorum, run.End)
		var g errgroup.Group
		g.SetLimit(o.Workers)
		for i, c := range checks {
			g.Go(func() error {
				findings[i] = guard(ctx, c, input{run, o}, out)
				return nil
			})
		}
		_ = g.Wait() // no check returns an error
	}
	out.Findings = slices.Concat(findings...)
	if run != nil {
		validity.Downgrade(run, out.Findings)
		validity.NeverStarted(run, out.Findings)
	}
	verdicts := make([]record.Verdict, len(out.Findings))
	for i, f := range out.Findings {
		verdicts[i] = f.Verdict
	}
	out.Verdict = record.Worst(verdicts...)
	out.Cause = record.WorstCause(out.Verdict, out.Findings)
	return out
}

// guard makes a check. Its finding is unknown when it panics or ctx has ended.
func guard(ctx context.Context, c check, in input, out *record.Result) (fs []record.Finding) {
	defer func() {
		if p := recover(); p != nil {
			fs = []record.Finding{{
				Check: c.name, Verdict: record.Unknown, Cause: record.CauseHarness,
				Description: fmt.Sprintf("the checker of %s failed: %v", c.name, p),
			}}
		}
	}()
	if err := ctx.Err(); err != nil {
		return []record.Finding{{Check: c.name, Verdict: record.Unknown, Cause: record.CauseEnvironment, Description: "not checked: " + err.Error()}}
	}
	return c.judge(ctx, in, out)
}

// Stable reports whether the service has recovered for good, so that the observation of a
// running run may end; see recovery.Stable.
func Stable(r *record.Run, slo record.SLOParams, now time.Duration) bool {
	return recovery.Stable(r, slo, now)
}

// lateness is how punctually the harness sent, and when it or its machine interfered.
func lateness(run *index.Run) *record.Lateness {
	out := &record.Lateness{Limit: run.SLO.Lateness}
	var all []time.Duration
	for i := range run.Record.Ops {
		op := &run.Record.Ops[i]
		if op.Final || op.Intended < 0 {
			continue
		}
		by := interference.Lateness(op)
		if all = append(all, by); by > out.Limit {
			out.Late++
		}
	}
	if out.Ops = len(all); out.Ops == 0 {
		return nil
	}
	slices.Sort(all)
	out.P50, out.P99, out.Max = history.Percentile(all, 50), history.Percentile(all, 99), all[len(all)-1]
	for _, w := range run.Interference {
		out.Interference = append(out.Interference, record.Interference{Span: w.Span, Cause: w.Cause, Description: w.String()})
	}
	return out
}
