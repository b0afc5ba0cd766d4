package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// classRun is a run of known figures: 100 writes acknowledged in the baseline, that took
// 1 to 100 ms, and 50 at saturation in 2 s.
func classRun(findings ...record.Finding) *record.Run {
	r := &record.Run{
		Phases: []record.Phase{
			{Name: record.Saturated, From: 0, To: 2 * time.Second},
			{Name: record.Baseline, From: 10 * time.Second, To: 20 * time.Second},
		},
		Result: &record.Result{
			Verdict: record.Fail, Findings: findings,
			RTO: &record.RTO{Worst: 3 * time.Second, Recovered: true},
			RPO: &record.RPO{LostCount: 7, LossWindow: 250 * time.Millisecond},
		},
	}
	op := func(kind history.Kind, outcome history.Outcome, at, took time.Duration) {
		r.Ops = append(r.Ops, history.Op{Kind: kind, Outcome: outcome, Intended: at, Call: at, Return: at + took})
	}
	for i := range 50 {
		op(history.Add, history.OK, time.Duration(i)*time.Millisecond, time.Millisecond)
	}
	for i := range 100 {
		op(history.Add, history.OK, 11*time.Second, time.Duration(i+1)*time.Millisecond)
	}
	op(history.Add, history.Unknown, 11*time.Second, 2*time.Second)     // not acknowledged
	op(history.SetRead, history.OK, 11*time.Second, time.Second)        // no write
	op(history.Add, history.OK, 19900*time.Millisecond, time.Second)    // answered after the baseline
	op(history.Add, history.OK, 25*time.Second, 900*time.Millisecond)   // during the fault
	op(history.Add, history.OK, 2100*time.Millisecond, time.Nanosecond) // between the phases
	return r
}

func finding(promise string, v record.Verdict) record.Finding {
	return record.Finding{Check: promise, Verdict: v}
}

func TestClassRow(t *testing.T) {
	p50, p99, rate, lost, lostFor, rto := 50*time.Millisecond, 99*time.Millisecond, 25.0, 7, 250*time.Millisecond, 3*time.Second
	for _, c := range []struct {
		name string
		run  *record.Run
		want classRow
	}{
		{
			"all known", classRun(finding("rpo", record.Fail)),
			classRow{P50: &p50, P99: &p99, Writes: 100, Throughput: &rate, Lost: &lost, LostFor: &lostFor, RTO: &rto, Verdict: record.Fail},
		},
		{
			"a loss that cannot be told is no figure", classRun(finding("rpo", record.Unknown)),
			classRow{P50: &p50, P99: &p99, Writes: 100, Throughput: &rate, RTO: &rto, Verdict: record.Fail},
		},
		{"aborted", &record.Run{}, classRow{Verdict: record.Unknown}},
	} {
		c.want.Class, c.want.Acknowledged, c.want.Dir = "async", "written on the primary", "runs/x"
		got := newClassRow(variantRun{variant{name: "async"}, c.run, "runs/x"})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	var out bytes.Buffer
	rows := []classRow{
		newClassRow(variantRun{variant{name: "async"}, classRun(finding("rpo", record.Fail)), "runs/x"}),
		{Class: "strong", Acknowledged: "never", Verdict: record.Unknown, Dir: "runs/y"},
	}
	if err := (&app{out: &out}).printClasses(rows[:1], 32); err != nil {
		t.Fatal(err)
	}
	if err := (&app{out: &out}).printClasses(rows[1:], 32); err != nil {
		t.Fatal(err)
	}
	want := `class  acknowledged when       p50    p99    throughput  lost  lost for  RTO  verdict  run
async  written on the primary  50 ms  99 ms  25/s        7     250 ms    3 s  fail     runs/x
latency to three digits, of 100 writes or more; throughput with 32 writers in each region; RTO to 0.1 s
class   acknowledged when  p50  p99  throughput  lost  lost for  RTO  verdict  run
strong  never              —    —    —           ?     ?         —    unknown  runs/y
latency to three digits, of 0 writes or more; throughput with 32 writers in each region; RTO to 0.1 s
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
