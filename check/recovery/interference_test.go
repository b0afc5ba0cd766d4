package recovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/record"
)

// stop sends what was due in a stretch of time only at its end, as a process does that was stopped.
func stop(r *record.Run, from, to time.Duration) {
	for i := range r.Ops {
		op := &r.Ops[i]
		if op.Final || op.Intended >= to || op.Return < from {
			continue
		}
		if op.Intended >= from {
			took := op.Return - op.Call
			op.Call, op.Return = to, to+took
		} else {
			op.Return = to // its answer was not read before
		}
	}
}

// busy fills a stretch of time with samples of a machine that has no processor to spare.
func busy(r *record.Run, from, to time.Duration, pressure float64) {
	for at := from; at < to; at += 250 * time.Millisecond {
		r.Machine = append(r.Machine, record.MachineSample{At: at + 250*time.Millisecond, Length: 250 * time.Millisecond, CPUPressure: pressure})
	}
}

// What the harness did is not charged to the system, and what the system did is not excused by it.
func TestInterference(t *testing.T) {
	for _, c := range []struct {
		name    string
		lab     checktest.Lab
		change  func(*record.Run)
		verdict record.Verdict
		cause   record.Cause
		phrase  string
	}{
		{
			name: "a stopped generator", lab: checktest.Lab{Fault: 500 * ms}, verdict: record.Unknown, cause: record.CauseHarness,
			change: func(r *record.Run) { stop(r, 150*ms, 500*ms) },
			phrase: "operations up to 350 ms late though the machine was free",
		},
		{
			name: "a machine that was busy meanwhile", lab: checktest.Lab{Fault: 500 * ms}, verdict: record.Unknown, cause: record.CauseEnvironment,
			change: func(r *record.Run) { stop(r, 150*ms, 500*ms); busy(r, 0, time.Second, 0.7) },
			phrase: "the machine was busy (tasks waited for a processor 70 % of the time)",
		},
		{
			name: "short enough to pass all the same", lab: checktest.Lab{Fault: 500 * ms}, verdict: record.Pass,
			change: func(r *record.Run) { stop(r, 150*ms, 300*ms) },
			phrase: "≤ 300 ms, worst: east reads; this is a bound: between 150 ms and 800 ms",
		},
		{
			name: "the system was out for longer than the stop explains", lab: checktest.Lab{Fault: 900 * ms, Down: checktest.Stall(100*ms, 950*ms)}, verdict: record.Fail,
			change: func(r *record.Run) { stop(r, 150*ms, 300*ms) },
			phrase: "> 300 ms",
		},
		{
			name: "a starved machine, punctual all the same", lab: checktest.Lab{Fault: 1500 * ms, Down: checktest.Stall(100*ms, 600*ms)}, verdict: record.Unknown, cause: record.CauseEnvironment,
			change: func(r *record.Run) { busy(r, 0, 1500*ms, 0.95) },
			phrase: "no processor to spare",
		},
		{
			name: "starved only before", lab: checktest.Lab{Baseline: 1500 * ms, Fault: 900 * ms, Down: checktest.Stall(1600*ms, 2100*ms)}, verdict: record.Fail,
			change: func(r *record.Run) { busy(r, 0, 1250*ms, 0.95) },
		},
		{
			name: "a peak is no starvation", lab: checktest.Lab{Fault: 1500 * ms, Down: checktest.Stall(100*ms, 600*ms)}, verdict: record.Fail,
			change: func(r *record.Run) { busy(r, 0, 750*ms, 0.95); busy(r, 750*ms, 1500*ms, 0.5) },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.lab.Run()
			c.change(r)
			j := judge(t, r)
			checktest.Want(t, j, "rto", c.verdict, c.phrase)
			if f := checktest.Finding(t, j, "rto"); f.Cause != c.cause {
				t.Errorf("cause %q, want %q", f.Cause, c.cause)
			} else if c.cause != "" && !strings.Contains(f.Evidence[0], "between") {
				t.Errorf("the evidence begins with %q, want the interference", f.Evidence[0])
			}
		})
	}
}
