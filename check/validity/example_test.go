package validity_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/validity"
	"github.com/mcp-resilience/holdfast/record"
)

// A fault that no probe proved active makes the run vacuous: the system withstood nothing.
func ExampleFaultProofs() {
	r := checktest.Lab{}.Run()
	r.Faults[0].Active = record.Proof{Observed: "the node still answers"}
	run, err := index.New(r, checktest.SLO)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range validity.FaultProofs(run) {
		fmt.Println(f.Check, f.Verdict)
	}
	// Output: fault 1.1-kill vacuous
}
