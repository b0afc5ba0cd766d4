// Package e2e drills the reference platform, and systems that nobody here
// wrote, end to end: a spec for each scenario of the library on each runtime,
// and specs for what must never happen to the machine that runs them.
//
//	go test ./e2e -ginkgo.label-filter=smoke        the pull-request set
//	go test ./e2e -ginkgo.label-filter='!docker'    without containers
//	go test ./e2e -ginkgo.focus=kill-leader -ginkgo.v
package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"

	"github.com/mcp-resilience/holdfast/harness/drill"
)

func TestE2E(t *testing.T) {
	RegisterFailHandler(Fail)
	if os.Getenv("HOLDFAST_RUNS") == "" { // beside the runs of the command line
		runs, err := filepath.Abs("../runs")
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("HOLDFAST_RUNS", runs)
	}
	t.Setenv("HOLDFAST_WAIT_FOR_MACHINE", "0") // specs want their commands beside each other
	RunSpecs(t, "holdfast, end to end")
}

// The figures of all runs, side by side, at the end of the output.
var _ = ReportAfterSuite("figures", func(report Report) {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, spec := range report.SpecReports {
		if spec.State.Is(types.SpecStateSkipped) { // whatever it measured before it was skipped says nothing
			if spec.Failure.Message != "" {
				fmt.Fprintf(t, "skipped\t%s: %s\t\n", spec.FullText(), spec.Failure.Message)
			}
			continue
		}
		for _, e := range spec.ReportEntries {
			if e.Name == drill.EntryName {
				first, _, _ := strings.Cut(e.StringRepresentation(), "\n")
				fmt.Fprintf(t, "%s\t%s\t%.0fs\n", spec.State, first, spec.RunTime.Seconds())
			}
		}
	}
	_ = t.Flush()
	fmt.Fprint(os.Stdout, "\n"+b.String())
})
