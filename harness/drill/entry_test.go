package drill

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/reporters"
	"github.com/onsi/ginkgo/v2/types"
)

// Who reads nothing but Ginkgo's own JUnit still sees RTO and RPO.
func TestJUnitCarriesFigures(t *testing.T) {
	r := resultOf(nil)
	entry := types.ReportEntry{
		Name: EntryName, Visibility: types.ReportEntryVisibilityAlways,
		Value: types.WrapEntryValue(RunRecord{Scenario: r.Scenario, Runtime: r.Runtime, Report: r.Report(), Result: r.Result}),
	}
	report := ginkgo.Report{SpecReports: types.SpecReports{{
		LeafNodeType: types.NodeTypeIt, LeafNodeText: "kill-leader", State: types.SpecStatePassed,
		ReportEntries: types.ReportEntries{entry},
	}}}
	file := filepath.Join(t.TempDir(), "junit.xml")
	if err := reporters.GenerateJUnitReport(report, file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"RTO 2.3 s", "RPO 0 lost of 100 acknowledged", "report.html"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("JUnit does not say %q:\n%s", want, text)
		}
	}
}

// Reports that earlier versions wrote are still read.
func TestEntryWithFormerNames(t *testing.T) {
	var e RunRecord
	if err := json.Unmarshal([]byte(`{"run":"r1","broken":"interrupted","judgement":{"verdict":"fail"}}`), &e); err != nil {
		t.Fatal(err)
	}
	if e.Run != "r1" || e.AbortReason != "interrupted" || e.Result == nil || e.Result.Verdict != "fail" {
		t.Errorf("got %+v", e)
	}
}
