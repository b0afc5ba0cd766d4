package check

import (
	"context"
	"testing"

	"github.com/mcp-resilience/holdfast/harness/record"
)

// A perfect run passes everything: without this, red negative controls prove nothing.
func TestCleanRun(t *testing.T) {
	j := judge(t, lab{}.run())
	for _, f := range j.Findings {
		if f.Verdict != record.Pass {
			t.Errorf("%s is %s: %s %v", f.Promise, f.Verdict, f.Says, f.Evidence)
		}
		t.Logf("%s: %s %s", f.Promise, f.Verdict, f.Says)
	}
	if j.Verdict != record.Pass || !j.AsExpected() {
		t.Errorf("verdict %s", j.Verdict)
	}
	if j.RTO.Worst != 0 || !j.RTO.Recovered {
		t.Errorf("RTO %v without an outage", j.RTO.Worst)
	}
}

func TestCheckerThatPanics(t *testing.T) {
	broken := promise{"broken", func(context.Context, *view, *record.Judgement) []record.Finding { panic("no such thing") }}
	fs := guard(context.Background(), broken, nil, nil)
	if len(fs) != 1 || fs[0].Verdict != record.Unknown || fs[0].Promise != "broken" {
		t.Errorf("got %+v, want one unknown", fs)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if j := Judge(ctx, lab{}.run(), Options{Definition: small}); j.Verdict != record.Unknown {
		t.Errorf("a judgement that was cancelled is %s", j.Verdict)
	}
}
