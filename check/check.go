// Package check judges a run: one promise a file, each a pure function of the
// record. It neither runs nor repairs anything, and it never guesses: what
// cannot be told is unknown, what was not put to the test is vacuous.
package check

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/record"
)

// SLOParams is the constants in the definitions of outage and recovery.
type Definition = record.SLOParams

// Options bound the work of judging. The zero value is right for a drill.
type Options struct {
	// SLOParams of outage and recovery; zero fields take their defaults.
	Definition Definition
	// KeyTime is how long the search on one register may take; 0 means 10 s.
	KeyTime time.Duration
	// Time is how long the linearizability check may take over all; 0 means 1 minute.
	Time time.Duration
	// Memory is how many bytes the search may hold over all registers at once; 0 means 512 MiB.
	Memory int64
	// Workers is how many keys are looked at once; 0 means GOMAXPROCS.
	Workers int
}

func (o Options) resolve() Options {
	o.Definition = o.Definition.Resolve()
	if o.KeyTime <= 0 {
		o.KeyTime = 10 * time.Second
	}
	if o.Time <= 0 {
		o.Time = time.Minute
	}
	if o.Memory <= 0 {
		o.Memory = 512 << 20
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o
}

// A promise is one check. It writes its figures into its own field of the
// judgement and returns its findings.
type promise struct {
	name  string
	judge func(ctx context.Context, v *view, j *record.Result) []record.Finding
}

// promises are all there are, in the order in which they are reported.
var promises = []promise{
	{"run", judgeRun},
	{"faults", judgeFaults},
	{"node crashes", judgeNodes},
	{"rto", judgeRTO},
	{"rpo", judgeRPO},
	{"linearizable", judgeLinearizable},
	{"accounts", judgeAccounts},
	{"messages", judgeMessages},
	{"availability", judgeAvailability},
	{"leader change", judgeLeader},
	{"traffic switch", judgeSwitch},
	{"false alarms", judgeAlarms},
	{"quorum loss rejection", judgeRefusal},
	{"load shedding", judgeShedding},
	{"expected events", judgeTells},
	{"disconnected operation", judgeAutonomy},
}

// Judge checks every promise of the run and takes the worst verdict. It
// always returns a judgement: a checker that panics, or runs out of time or
// memory, or that ctx ended, makes its finding unknown.
func Judge(ctx context.Context, r *record.Run, o Options) *record.Result {
	o = o.resolve()
	j := &record.Result{Expected: r.Expect, ExpectedFailures: r.ExpectedFailures, SLOParams: o.Definition}
	if j.Expected == "" {
		j.Expected = record.Pass
	}
	findings := make([][]record.Finding, len(promises))
	var v *view
	findings[0] = guard(ctx, promise{"run", func(context.Context, *view, *record.Result) []record.Finding {
		var err error
		if v, err = newView(r, o); err != nil {
			return []record.Finding{{Check: "run", Verdict: record.Unknown, Description: err.Error()}}
		}
		return nil
	}}, nil, j)
	if v != nil {
		j.QuorumLoss = v.quorumLoss()
		var g errgroup.Group
		g.SetLimit(o.Workers)
		for i, p := range promises {
			g.Go(func() error {
				findings[i] = guard(ctx, p, v, j)
				return nil
			})
		}
		_ = g.Wait() // no check returns an error
	}
	j.Findings = slices.Concat(findings...)
	if v != nil {
		v.doubt(j.Findings)
	}
	verdicts := make([]record.Verdict, len(j.Findings))
	for i, f := range j.Findings {
		verdicts[i] = f.Verdict
	}
	j.Verdict = record.Worst(verdicts...)
	return j
}

// guard turns what a check cannot cope with into an unknown.
func guard(ctx context.Context, p promise, v *view, j *record.Result) (fs []record.Finding) {
	defer func() {
		if r := recover(); r != nil {
			fs = []record.Finding{{
				Check: p.name, Verdict: record.Unknown,
				Description: fmt.Sprintf("the checker of %s failed: %v", p.name, r),
			}}
		}
	}()
	if err := ctx.Err(); err != nil {
		return []record.Finding{{Check: p.name, Verdict: record.Unknown, Description: "not checked: " + err.Error()}}
	}
	return p.judge(ctx, v, j)
}
