package drill

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/onsi/gomega/types"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// resultOf returns the result of a run in which every check passes; change makes it fail.
func resultOf(change func(*record.Run)) *Result {
	r := &record.Run{
		Meta: record.Meta{ID: "2026-11-22T03-00-00Z-kill-leader-7f3a", Scenario: "kill-leader", Runtime: "local", Seed: 7},
		Result: &record.Result{
			Verdict: record.Pass, Expected: record.Pass,
			Findings: []record.Finding{
				{Check: "rto", Verdict: record.Pass, Description: "2.3 s"},
				{Check: "rpo", Verdict: record.Pass, Description: "nothing lost"},
				{Check: "linearizable", Verdict: record.Pass, Description: "20 keys"},
				{Check: "availability", Verdict: record.Pass, Description: "98 %"},
				{Check: "fault 1-kill", Verdict: record.Pass, Description: "active"},
			},
			RTO: &record.RTO{
				Objective: 30 * time.Second, Resolution: 100 * time.Millisecond, Worst: 2300 * time.Millisecond, Recovered: true,
				Series: []record.RTOSeries{{Region: "north", Class: history.Writes, Eligible: true, Recovered: true, RTO: 2300 * time.Millisecond, FirstAck: 2 * time.Second}},
				Stages: []record.Stage{
					{Name: "detect", From: 5 * time.Second, To: 5500 * time.Millisecond},
					{Name: "elect", From: 5500 * time.Millisecond, To: 7 * time.Second, Description: "north-1 elected in term 3"},
				},
			},
			RPO:          &record.RPO{Attempted: 110, Acked: 100, FinalReads: 9},
			Availability: &record.Availability{Overall: 0.98, Series: []record.AvailabilitySeries{{Region: "north", Class: history.Writes, Due: 100, Good: 98}}},
			Linearizable: &record.Linearizable{Keys: 20, Ops: 1000},
		},
	}
	if change != nil {
		change(r)
	}
	return &Result{Run: r, Dir: "runs/" + r.ID}
}

func finding(r *record.Run, promise string, v record.Verdict, says string) {
	for i, f := range r.Result.Findings {
		if f.Check == promise {
			r.Result.Findings[i].Verdict, r.Result.Findings[i].Description = v, says
		}
	}
	r.Result.Verdict = record.Worst(r.Result.Verdict, v)
}

func TestMatchers(t *testing.T) {
	lose := func(r *record.Run) {
		r.Result.RPO.Lost = []record.LostWrite{{
			Op:       history.Op{Kind: history.Add, Key: "s1", Value: "v42", Region: "east", Return: 5 * time.Second, Node: "east-1", Term: 2},
			Position: "12ms before fault 1-kill", Missing: []topology.NodeID{"north-1", "south-1"},
		}}
		finding(r, "rpo", record.Fail, "1 lost")
	}
	stuck := func(r *record.Run) {
		r.Result.RTO.Recovered, r.Result.RTO.Worst = false, 40*time.Second
		finding(r, "rto", record.Fail, "not recovered in 40 s")
	}
	control := func(change func(*record.Run)) func(*record.Run) {
		return func(r *record.Run) {
			r.Result.Expected, r.Result.ExpectedFailures = record.Fail, []string{"rpo"}
			change(r)
		}
	}
	notActive := func(r *record.Run) { finding(r, "fault 1-kill", record.Vacuous, "no probe showed it") }
	tests := map[string]struct {
		matcher types.GomegaMatcher
		run     *Result
		want    string // "yes", "no", or a part of the error
	}{
		"recovered in time":             {RecoverWithin(3 * time.Second), resultOf(nil), "yes"},
		"recovered at the limit":        {RecoverWithin(2300 * time.Millisecond), resultOf(nil), "yes"},
		"recovered too late":            {RecoverWithin(2 * time.Second), resultOf(nil), "no"},
		"never recovered":               {RecoverWithin(time.Hour), resultOf(stuck), "no"},
		"no recovery measured":          {RecoverWithin(time.Hour), resultOf(func(r *record.Run) { r.Result.RTO = nil }), "no recovery time was measured"},
		"a fault that was never active": {RecoverWithin(time.Hour), resultOf(notActive), "fault 1-kill is vacuous: no probe showed it"},
		"an unknown of another kind":    {RecoverWithin(time.Hour), resultOf(func(r *record.Run) { finding(r, "linearizable", record.Unknown, "out of time") }), "yes"},
		"an unknown of its own":         {RecoverWithin(time.Hour), resultOf(func(r *record.Run) { finding(r, "rto", record.Unknown, "cut off") }), "rto is unknown: cut off"},
		"a broken run":                  {RecoverWithin(time.Hour), resultOf(func(r *record.Run) { r.AbortReason = "interrupted" }), "ended before its time: interrupted"},
		"a run without verdict":         {LoseNothing(), resultOf(func(r *record.Run) { r.Result = nil }), "was not judged"},

		"nothing lost":      {LoseNothing(), resultOf(nil), "yes"},
		"a lost write":      {LoseNothing(), resultOf(lose), "no"},
		"a phantom":         {LoseNothing(), resultOf(func(r *record.Run) { r.Result.RPO.Phantoms = []string{"s1 v9"} }), "no"},
		"nodes that differ": {LoseNothing(), resultOf(func(r *record.Run) { r.Result.RPO.Diverged = []string{"s1"} }), "no"},
		"a final read that failed": {LoseNothing(), resultOf(func(r *record.Run) {
			r.Result.RPO.FinalReadsFailed = 1
		}), "1 of 9 final reads failed"},
		"nothing read back": {LoseNothing(), resultOf(func(r *record.Run) { r.Result.RPO.FinalReads = 0 }), "what was lost is unknown"},

		"linearizable": {BeLinearizable(), resultOf(nil), "yes"},
		"a key without a legal order": {BeLinearizable(), resultOf(func(r *record.Run) {
			r.Result.Linearizable.Violating = []string{"r1"}
			finding(r, "linearizable", record.Fail, "r1")
		}), "no"},
		"a key out of time": {BeLinearizable(), resultOf(func(r *record.Run) {
			r.Result.Linearizable.Undecided = []string{"r1"}
		}), "1 of 20 keys could not be decided"},
		"order not judged": {BeLinearizable(), resultOf(func(r *record.Run) { r.Result.Linearizable = nil }), "was not judged"},

		"available":               {StayAvailable(0.98), resultOf(nil), "yes"},
		"not available enough":    {StayAvailable(0.99), resultOf(nil), "no"},
		"availability not judged": {StayAvailable(0.5), resultOf(func(r *record.Run) { r.Result.Availability = nil }), "no availability was measured"},

		"pass":                     {Pass(), resultOf(nil), "yes"},
		"fail is not pass":         {Pass(), resultOf(lose), "no"},
		"unknown is no answer":     {Pass(), resultOf(func(r *record.Run) { r.Result.Verdict = record.Unknown }), "came out unknown"},
		"vacuous is no answer":     {HaveVerdict(record.Fail), resultOf(notActive), "came out vacuous"},
		"unknown when asked for":   {HaveVerdict(record.Unknown), resultOf(func(r *record.Run) { r.Result.Verdict = record.Unknown }), "yes"},
		"pass is not unknown":      {HaveVerdict(record.Unknown), resultOf(nil), "no"},
		"what a control must have": {HaveVerdict(record.Fail), resultOf(lose), "yes"},

		"as expected":                {AsExpected(), resultOf(nil), "yes"},
		"fail is not expected":       {AsExpected(), resultOf(lose), "no"},
		"broke what it should":       {AsExpected(), resultOf(control(lose)), "yes"},
		"broke something else":       {AsExpected(), resultOf(control(stuck)), "no"},
		"broke it without its fault": {AsExpected(), resultOf(control(func(r *record.Run) { lose(r); notActive(r) })), "fault 1-kill is vacuous"},
		"vacuous was not to come":    {AsExpected(), resultOf(control(notActive)), "came out vacuous"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ok, err := tt.matcher.Match(tt.run)
			got := map[bool]string{true: "yes", false: "no"}[ok]
			if err != nil {
				// An error must be one for the negated matcher too, so ok says nothing.
				got = err.Error()
				if !strings.Contains(got, "report: runs/") {
					t.Errorf("error does not lead to the report: %s", got)
				}
			}
			if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
				t.Errorf("Match: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMatchersRefuseOtherThings(t *testing.T) {
	for _, actual := range []any{nil, "a string", (*Result)(nil), &Result{}} {
		if ok, err := Pass().Match(actual); ok || err == nil {
			t.Errorf("Match(%#v) = %v, %v; want an error", actual, ok, err)
		}
	}
}

// A failure says what broke, by how much, and where to read on.
func TestFailureMessages(t *testing.T) {
	slow := resultOf(nil)
	lost := resultOf(func(r *record.Run) {
		r.Result.RPO.Lost = []record.LostWrite{{
			Op:       history.Op{Kind: history.Add, Key: "s1", Value: "v42", Region: "east", Return: 5 * time.Second, Node: "east-1", Term: 2},
			Position: "12ms before fault 1-kill", Missing: []topology.NodeID{"north-1", "south-1"},
		}}
		finding(r, "rpo", record.Fail, "1 lost of 100")
	})
	pointers := "report: runs/2026-11-22T03-00-00Z-kill-leader-7f3a/report.html\n" +
		"again:  holdfast replay runs/2026-11-22T03-00-00Z-kill-leader-7f3a"
	head := "Expected kill-leader on local (run 2026-11-22T03-00-00Z-kill-leader-7f3a, seed 7)\n"
	tests := map[string]struct {
		got, want string
	}{
		"recovery names the stage": {
			RecoverWithin(time.Second).FailureMessage(slow),
			head + "to recover within 1s, but:\n" +
				"RTO was 2.3 s (objective 30 s, resolution 100 ms)\n" +
				"the stage that took the time: elect, 1.5 s, ended by: north-1 elected in term 3\n" +
				"  north writes, episode 0: back after 2.3 s, first acknowledgement 2 s, longest outage 0 s\n" + pointers,
		},
		"loss names its witnesses": {
			LoseNothing().FailureMessage(lost),
			head + "to lose nothing, but:\n" +
				"RPO was 1 lost of 100 acknowledged (objective 0), over 0 s\n" +
				"  lost: add s1=v42 from east, acknowledged at 5 s by east-1 in term 2, 12ms before fault 1-kill; missing in the final reads of [north-1 south-1]\n" + pointers,
		},
		"a pass names what is not one": {
			Pass().FailureMessage(lost),
			head + "to have verdict pass, but:\n" +
				"it came out fail\n  rpo is fail: 1 lost of 100\n" + pointers,
		},
		"negated": {
			LoseNothing().NegatedFailureMessage(slow),
			head + "not to lose nothing, but:\n" +
				"RPO was 0 lost of 100 acknowledged (objective 0)\n" + pointers,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}
