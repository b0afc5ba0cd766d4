package degradation_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/degradation"
	"github.com/mcp-resilience/holdfast/check/index"
)

// A region that is cut off rejects writes at once and goes on answering local reads.
func ExampleDisconnectedOperation() {
	run, err := index.New(checktest.CutOff(), checktest.SLO)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range degradation.DisconnectedOperation(run) {
		fmt.Println(f.Check, f.Verdict)
	}
	// Output: disconnected operation pass
}
